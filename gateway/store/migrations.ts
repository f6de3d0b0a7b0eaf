import m0001 from '../migrations/0001_init.sql' with { type: 'text' }
import m0002 from '../migrations/0002_vault.sql' with { type: 'text' }
import m0003 from '../migrations/0003_wrapping_keys.sql' with { type: 'text' }
import m0004 from '../migrations/0004_eras.sql' with { type: 'text' }
import m0005 from '../migrations/0005_isolation.sql' with { type: 'text' }
import m0006 from '../migrations/0006_audit.sql' with { type: 'text' }
import m0007 from '../migrations/0007_pins.sql' with { type: 'text' }
import m0008 from '../migrations/0008_sets.sql' with { type: 'text' }
import m0009 from '../migrations/0009_sign_ins.sql' with { type: 'text' }
import m0010 from '../migrations/0010_consent_form.sql' with { type: 'text' }
import m0011 from '../migrations/0011_keys.sql' with { type: 'text' }
import m0012 from '../migrations/0012_asked_clients.sql' with { type: 'text' }
import m0013 from '../migrations/0013_oauth.sql' with { type: 'text' }
import m0014 from '../migrations/0014_inputs.sql' with { type: 'text' }
import m0015 from '../migrations/0015_sign_ins_wanted.sql' with { type: 'text' }

/** Every migration in order; position + 1 is the `user_version` it leads to. Shipped entries never change. */
export const migrations: readonly string[] = [
  m0001,
  m0002,
  m0003,
  m0004,
  m0005,
  m0006,
  m0007,
  m0008,
  m0009,
  m0010,
  m0011,
  m0012,
  m0013,
  m0014,
  m0015,
]
