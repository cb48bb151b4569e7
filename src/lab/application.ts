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
