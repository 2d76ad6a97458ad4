import assert from 'node:assert/strict'
import test from 'node:test'
import { parseIdentity, rfcCheckDigit, rfcCheckHolds } from './identity.ts'

test('a CURP is read however it is typed, and stored one way', () => {
  // The hypothetical person of the Diario Oficial's instruction.
  for (const typed of ['AAPR630321HDFLRC09', 'aapr630321hdflrc09', ' AAPR 630321 HDFLRC 09 ', 'AAPR-630321-HDFLRC-09'])
    assert.deepEqual(parseIdentity(typed), { kind: 'curp', value: 'AAPR630321HDFLRC09' })
})

test('a slip in a CURP is named for what it is', () => {
  assert.deepEqual(parseIdentity('AAPR630321HDFLRC08'), { fault: 'check' })
  assert.deepEqual(parseIdentity('AAPR630231HDFLRC09'), { fault: 'date' })
  assert.deepEqual(parseIdentity('AAPR630321HZZLRC09'), { fault: 'shape' })
  assert.deepEqual(parseIdentity('AAPR630321HDFLRC0'), { fault: 'shape' })
  assert.deepEqual(parseIdentity(''), { fault: 'shape' })
})

test('the 29th of February of 2000 exists and that of 1900 does not: the 17th character tells the century', () => {
  assert.notDeepEqual(parseIdentity('AAPR000229HDFLRCA0'), { fault: 'date' })
  assert.deepEqual(parseIdentity('AAPR000229HDFLRC00'), { fault: 'date' })
})

test('SAT’s own example of an RFC and its test RFCs keep their check digit', () => {
  assert.equal(rfcCheckDigit('GODE561231GR'), '8')
  for (const rfc of ['GODE561231GR8', 'EKU9003173C9']) {
    assert.deepEqual(parseIdentity(rfc), { kind: 'rfc', value: rfc })
    assert.equal(rfcCheckHolds(rfc), true)
  }
})

test('an RFC in force whose check digit fails is taken, with a warning', () => {
  assert.deepEqual(parseIdentity('MCI7306249Y1'), { kind: 'rfc', value: 'MCI7306249Y1' })
  assert.equal(rfcCheckHolds('MCI7306249Y1'), false)
})

test('a generic RFC names nobody', () => {
  assert.deepEqual(parseIdentity('XAXX010101000'), { fault: 'generic' })
  assert.deepEqual(parseIdentity('XEXX010101000'), { fault: 'generic' })
})
