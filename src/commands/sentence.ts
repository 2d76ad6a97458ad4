/** What could not be done and what to do about it, when the system or the database said no. `error.code` is the system's name of it. */
const remedies: Record<string, (error: SystemError) => string> = {
  // The metrics say so themselves.
  EADDRINUSE: (e) => `${whereOf(e)} is in use by another program. Stop that one, or set VENTANILLA_PORT to another port.`,
  EADDRNOTAVAIL: (e) => `${whereOf(e)} is no address of this computer. Set VENTANILLA_HOST to one that is.`,
  ENOSPC: (e) => `The disk is full${at(e)}. Make room and try again.`,
  EDQUOT: (e) => `The disk quota of this user is used up${at(e)}. Make room and try again.`,
  EROFS: (e) => `The file system cannot be written${at(e)}. Name another folder.`,
  EACCES: (e) =>
    e.syscall === 'listen'
      ? `This user may not serve ${whereOf(e)}. Set VENTANILLA_PORT to 1024 or above, or start with the right to.`
      : `This user may not use what lies there${at(e)}. Start as its owner, or name another place.`,
  EPERM: (e) => `This user may not do that${at(e)}. Start as the owner, or name another place.`,
  ENOTDIR: (e) => `A file stands where a folder is needed${at(e)}. Name another place.`,
  EISDIR: (e) => `A folder stands where a file is needed${at(e)}. Name another one.`,
  ENOENT: (e) => `There is no such file or folder${at(e)}.`,
}

/** How a database that cannot be reached shows itself. */
const unreachable = new Set(['connect', 'getaddrinfo'])
/** SQLSTATE of a wrong user, a wrong password, a database that is not there. */
const wrongAddress = new Set(['28000', '28P01', '3D000'])

type SystemError = Error & { code?: string; syscall?: string; path?: string; address?: string; port?: number }

const at = ({ path }: SystemError): string => (path ? `: ${path}` : '')
const whereOf = ({ address, port }: SystemError): string => (port === undefined ? 'The address' : `${address ?? ''}:${port}`)

/**
 * What an operator reads of an error that ended a command: the sentence written for them, or what the system said and the remedy. Only of what the runtime itself
 * calls an error of programming the stack is shown.
 */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (/^(Type|Reference|Range|Syntax|Assertion|Eval|URI)Error$/.test(error.name)) return error.stack ?? error.message
  // Several addresses were tried: each error says the same of its own.
  const one: SystemError = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error
  const { code = '', syscall = '' } = one
  if (unreachable.has(syscall)) return `The database does not answer: ${one.message}. Is it running, and is DATABASE_URL right?`
  if ('severity' in one)
    return `PostgreSQL: ${one.message}${wrongAddress.has(code) ? '. Is DATABASE_URL right?' : ''}${code === '53100' ? '. The disk of the database is full.' : ''}`
  return syscall && Object.hasOwn(remedies, code) ? remedies[code]!(one) : one.message
}
