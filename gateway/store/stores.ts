import type { Runtime } from '../runtime'
import { createAuditStore } from './audit'
import { createApplicantStore } from './applicants'
import { createCatalogStore } from './catalog'
import { createClientStore } from './clients'
import { createConsentStore } from './consents'
import { createCredentialStore } from './credentials'
import { createDataKeyStore } from './data-keys'
import { createEraStore } from './eras'
import { openDatabase } from './database'
import { createFeatureSetStore } from './feature-sets'
import { createKeyStore } from './keys'
import { createFlowStore } from './oauth-flows'
import { createRegistrationStore } from './oauth-registrations'
import { createTokenStore } from './oauth-tokens'
import { createServerStore } from './servers'
import { createPinStore } from './pins'
import { createExportedRowStore } from './exported-rows'
import { createSealedRowStore } from './sealed-rows'
import { createSessionStore } from './sessions'
import { createSettingStore } from './settings'
import { createSignInStore } from './sign-ins'
import { createSignInWantStore } from './sign-ins-wanted'
import { createSpaceStore } from './spaces'
import { createSpaceSecretStore } from './space-secrets'
import { createToolUsageStore } from './tool-usage'

/** Opens the database and every store over it. Throws what `openDatabase` throws. */
export function openStores(file: string, runtime: Pick<Runtime, 'now' | 'newId'>) {
  const db = openDatabase(file, runtime)
  return {
    db,
    audit: createAuditStore(db),
    spaces: createSpaceStore(db, runtime),
    servers: createServerStore(db, runtime),
    catalog: createCatalogStore(db, runtime),
    pinRows: createPinStore(db, runtime),
    eras: createEraStore(db),
    sets: createFeatureSetStore(db, runtime),
    clients: createClientStore(db, runtime),
    keys: createKeyStore(db, runtime),
    applicants: createApplicantStore(db, runtime),
    signIns: createSignInStore(db, runtime),
    sessions: createSessionStore(db),
    consents: createConsentStore(db, runtime),
    credentials: createCredentialStore(db, runtime),
    spaceSecrets: createSpaceSecretStore(db, runtime),
    dataKeys: createDataKeyStore(db, runtime),
    sealedRows: createSealedRowStore(db),
    exportedRows: createExportedRowStore(db, runtime),
    registrations: createRegistrationStore(db, runtime),
    tokens: createTokenStore(db),
    signInWants: createSignInWantStore(db),
    flows: createFlowStore(db, runtime),
    settings: createSettingStore(db),
    toolUsage: createToolUsageStore(db),
  }
}
