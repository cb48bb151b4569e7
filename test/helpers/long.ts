/**
 * Is this the long run (`npm run test:long`), with more of the same, larger data, and cases that take a minute each?
 * `npm test` has to be over while somebody waits for it.
 */
export const LONG = process.env['TANDEM_TEST_LONG'] === '1'
