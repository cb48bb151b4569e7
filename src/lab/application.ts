/**
 * Under which name does the lab's application use MariaDB, and where does it write?
 */

/** Account, database and table; the password protects nothing and is the same in every lab. */
export const APPLICATION = {
  user: 'app',
  password: 'lab-app',
  database: 'app',
  table: 'app.t',
} as const

/** Makes them on a server that has none of it. */
export const APPLICATION_STATEMENTS = `
CREATE DATABASE ${APPLICATION.database};
CREATE TABLE ${APPLICATION.table} (id BIGINT PRIMARY KEY, v VARCHAR(200) NOT NULL);
CREATE USER '${APPLICATION.user}'@'%' IDENTIFIED BY '${APPLICATION.password}';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, LOCK TABLES, INDEX
  ON ${APPLICATION.database}.* TO '${APPLICATION.user}'@'%';
`
