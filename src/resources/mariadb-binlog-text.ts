/**
 * What stands in a stretch of the binary log, judged from what mariadb-binlog prints of it?
 *
 * Counts transactions and rows and names the tables, and says whether the stretch could be undone by
 * playing it backwards: that works for rows of transactional tables only. A statement, a change of
 * the schema or a table without transactions stands in the way.
 *
 * Fed line by line, because such a text can be larger than memory. Pure. Values cannot deceive it: rows
 * are printed behind `###` with line ends escaped, statements behind `#Q>`.
 *
 * @source  mariadb-binlog -v --base64-output=decode-rows of 10.11
 */

/** What a stretch holds. */
export interface BinlogSummary {
  transactions: number
  rows: number
  /** `app.t`, sorted; those rows were changed or removed in are also in `touched`. */
  tables: readonly string[]
  /** Tables in which rows were updated or deleted: others may hang on those rows. */
  touched: readonly string[]
  /** Why it cannot be played backwards; null when it can. */
  obstacle: string | null
}

const GTID = /^#\d{6}\s+\d+:\d\d:\d\d server id \d+\s+end_log_pos \d+ .*?\tGTID (\d+-\d+-\d+)(.*)$/
const QUERY = /^#\d{6}\s+\d+:\d\d:\d\d server id \d+\s+end_log_pos \d+ .*?\tQuery\t/
const ROW = /^### (INSERT INTO|UPDATE|DELETE FROM) `((?:[^`]|``)+)`\.`((?:[^`]|``)+)`/
/** Statements that belong to a transaction of rows. */
const BRACKET =
  /^(?:COMMIT|ROLLBACK|SAVEPOINT|ROLLBACK TO|RELEASE SAVEPOINT|BEGIN|START TRANSACTION)\b/i
/** Lines between the head of a Query event and its statement. */
const PRELUDE = /^(?:SET (?:TIMESTAMP|@@)|\/\*!|use `|#|\/\*M!|$)/i

/** Reads the lines one by one; `summary` may be asked at any time. */
export class BinlogReader {
  #transactions = 0
  #rows = 0
  readonly #tables = new Set<string>()
  readonly #touched = new Set<string>()
  #obstacle: string | null = null
  #gtid = ''
  #expectStatement = false

  line(text: string): void {
    const gtid = GTID.exec(text)
    if (gtid !== null) {
      this.#transaction(gtid[1] ?? '', gtid[2] ?? '')
      return
    }
    const row = ROW.exec(text)
    if (row !== null) {
      this.#row(row[1] ?? '', `${row[2]}.${row[3]}`)
      return
    }
    if (QUERY.test(text)) {
      this.#expectStatement = true
      return
    }
    if (this.#expectStatement && !PRELUDE.test(text)) {
      this.#expectStatement = false
      if (!BRACKET.test(text)) this.#refuse('it holds a statement instead of rows')
    }
  }

  #transaction(gtid: string, flags: string): void {
    this.#gtid = gtid
    this.#transactions += 1
    this.#expectStatement = false
    if (/\bddl\b/.test(flags)) this.#refuse('it changes the schema or accounts')
    else if (!/\btrans\b/.test(flags)) this.#refuse('it writes to a table without transactions')
  }

  #row(act: string, table: string): void {
    this.#expectStatement = false
    this.#rows += 1
    this.#tables.add(table)
    if (act !== 'INSERT INTO') this.#touched.add(table)
  }

  #refuse(why: string): void {
    this.#obstacle ??= `${this.#gtid} cannot be undone: ${why}`
  }

  summary(): BinlogSummary {
    return {
      transactions: this.#transactions,
      rows: this.#rows,
      tables: [...this.#tables].sort(),
      touched: [...this.#touched].sort(),
      obstacle: this.#obstacle,
    }
  }
}

const BINLOG_OPEN = "BINLOG '"
const BINLOG_CLOSE = "'/*!*/;"

/**
 * The statements that carry events, in order, out of what `mariadb-binlog --flashback` prints.
 *
 * Only they are needed: everything else there sets up a session of the client program. Each is base64
 * and nothing else, which is checked.
 *
 * @returns null when the text is not of that form
 */
export function binlogStatements(text: string): string[] | null {
  const statements: string[] = []
  let at = 0
  for (;;) {
    const open = text.indexOf(`\n${BINLOG_OPEN}`, at)
    if (open < 0) return statements
    const start = open + 1 + BINLOG_OPEN.length
    const close = text.indexOf(BINLOG_CLOSE, start)
    if (close < 0) return null
    const events = text.slice(start, close)
    if (!/^[A-Za-z0-9+/=\s]+$/.test(events)) return null
    statements.push(`${BINLOG_OPEN}${events}'`)
    at = close
  }
}
