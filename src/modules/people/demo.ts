import type { Db } from '#db'
import { type OfficeId, type PersonId, uuidv7 } from '#kernel/id'
import type { Grant } from '#web'
import { curpCheckDigit } from './identity.ts'
import * as store from './store.ts'

/** A demonstration account as `<data>/demo.json` lists it. */
export type DemoAccount = { id: PersonId; email: string; name: string; roles: Grant[] }

// Nobody's: fictional names, and the domain can never receive mail (RFC 2606).
const accounts = (office: OfficeId) =>
  [
    { email: 'ciudadana@demo.invalid', name: 'Rosa Jiménez Tlacuilo', curp: 'JITR900412MDFMLS0', roles: [] },
    { email: 'oficial1@demo.invalid', name: 'Tomás Arriaga Bello', curp: 'AIBT850923HDFRLM0', roles: ['official', 'clerk'] },
    { email: 'oficial2@demo.invalid', name: 'Inés Quiroga Maya', curp: 'QUMI881105MDFRYN0', roles: ['official', 'clerk'] },
    { email: 'supervisora@demo.invalid', name: 'Elvira Nava Chi', curp: 'NACE790630MYNVHL0', roles: ['supervisor'] },
    { email: 'analista1@demo.invalid', name: 'Marisol Tep Aguilar', curp: 'TEAM860917MCSPGR0', roles: ['analyst'] },
    { email: 'analista2@demo.invalid', name: 'Gerardo Ixta Lara', curp: 'IALG830226HMNXRR0', roles: ['analyst'] },
    { email: 'admin@demo.invalid', name: 'Fausto Rivas Uc', curp: 'RIUF820214HYNVCS0', roles: ['admin'] },
  ].map((a) => ({
    ...a,
    curp: a.curp + curpCheckDigit(a.curp),
    grants: a.roles.map((role) => ({ role, office: role === 'admin' || role === 'analyst' ? null : office }) as Grant),
  }))

/** Makes the demonstration accounts, the officials all at `office`, analysts and administrator for the whole portal; those that exist stay as they are. */
export async function seedDemo(db: Db, { office, now = new Date() }: { office: OfficeId; now?: Date }): Promise<DemoAccount[]> {
  return db.tx(async (tx) => {
    const made: DemoAccount[] = []
    for (const { email, name, curp, grants } of accounts(office)) {
      await store.lockAddress(tx, email)
      let id = await store.ownerOf(tx, email)
      if (!id) {
        id = uuidv7(now.getTime()) as PersonId
        await store.addPerson(tx, { id, name, language: 'es', created_at: now })
        await store.addContact(tx, id, email, now, true)
        await store.setIdentity(tx, id, { kind: 'curp', value: curp }, now, true)
        for (const grant of grants)
          if (await store.addGrant(tx, id, grant, now, null)) await store.addEvent(tx, now, 'role-given', id, null, grant)
      }
      made.push({ id, email, name, roles: await store.grantsOf(tx, id) })
    }
    return made
  })
}

const given = ['Ana', 'Luis', 'Marta', 'José', 'Elena', 'Raúl', 'Sofía', 'Iván', 'Lucía', 'Hugo']
const family = ['Bautista', 'Cruz', 'Domínguez', 'Fuentes', 'Galindo', 'Herrera', 'Ibarra', 'Luna', 'Mora', 'Nieto', 'Ochoa', 'Paz']

/** Fictional people for a demonstration's day, each identified and with a confirmed contact that can receive no mail. Those that exist stay. */
export async function seedCrowd(db: Db, count: number, now: Date): Promise<{ id: PersonId; name: string; curp: string }[]> {
  const made: { id: PersonId; name: string; curp: string }[] = []
  for (let i = 0; i < count; i++) {
    const [first, a, b] = [given[i % given.length]!, family[i % family.length]!, family[(i * 5 + 3) % family.length]!]
    const day = String((i % 27) + 1).padStart(2, '0')
    const vowel = /[AEIOU]/.exec(a.slice(1).toUpperCase())?.[0] ?? 'X'
    const consonant = (word: string) => /[BCDFGHJKLMNPQRSTVWXYZ]/.exec(word.slice(1).toUpperCase())?.[0] ?? 'X'
    const plain = (word: string) => word.normalize('NFD').replace(/\p{M}/gu, '')
    const before = `${a[0]}${vowel}${b[0]}${first[0]}${String(70 + (i % 29))}${String((i % 12) + 1).padStart(2, '0')}${day}${i % 2 ? 'H' : 'M'}DF${consonant(a)}${consonant(b)}${consonant(plain(first))}0`
    const curp = before + curpCheckDigit(before)
    const name = `${first} ${a} ${b}`
    const email = `persona${i + 1}@demo.invalid`
    made.push(
      await db.tx(async (tx) => {
        await store.lockAddress(tx, email)
        const known = await store.ownerOf(tx, email)
        if (known) return { id: known, name, curp }
        const id = uuidv7(now.getTime()) as PersonId
        await store.addPerson(tx, { id, name, language: 'es', created_at: now })
        await store.addContact(tx, id, email, now, true)
        await store.setIdentity(tx, id, { kind: 'curp', value: curp }, now, false)
        return { id, name, curp }
      }),
    )
  }
  return made
}
