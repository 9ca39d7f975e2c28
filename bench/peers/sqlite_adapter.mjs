// A durable adapter for oidc-provider on better-sqlite3: WAL, synchronous=FULL, one row an artifact, every call its own
// transaction (oidc-provider awaits each call by itself, so there is nothing to group). Written for this benchmark, to be
// as fast as the library's interface allows: prepared statements, primary key by (model, id), partial indexes for the
// three other look-ups. Expired rows are left: oidc-provider checks expiry itself and purging is measured on no side.
import Database from "better-sqlite3";

const SCHEMA = `
  CREATE TABLE artifact (
    model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, expires INTEGER, consumed INTEGER,
    grant_id TEXT, user_code TEXT, uid TEXT,
    PRIMARY KEY (model, id)
  ) WITHOUT ROWID;
  CREATE INDEX by_grant ON artifact (grant_id) WHERE grant_id IS NOT NULL;
  CREATE UNIQUE INDEX by_user_code ON artifact (user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX by_uid ON artifact (uid) WHERE uid IS NOT NULL;
`;

const now = () => Math.floor(Date.now() / 1000);

function read(row) {
  if (row === undefined) return undefined;
  const payload = JSON.parse(row.payload);
  if (row.consumed !== null) payload.consumed = row.consumed;
  return payload;
}

export function sqliteAdapter(file) {
  const db = new Database(file);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec(SCHEMA);
  const SELECT = "SELECT payload, consumed FROM artifact WHERE";
  const upsert = db.prepare(`
    INSERT INTO artifact (model, id, payload, expires, grant_id, user_code, uid) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, expires = excluded.expires,
      grant_id = excluded.grant_id, user_code = excluded.user_code, uid = excluded.uid`);
  const find = db.prepare(`${SELECT} model = ? AND id = ?`);
  const findByUid = db.prepare(`${SELECT} uid = ? AND model = ?`);
  const findByUserCode = db.prepare(`${SELECT} user_code = ? AND model = ?`);
  const consume = db.prepare("UPDATE artifact SET consumed = ? WHERE model = ? AND id = ?");
  const destroy = db.prepare("DELETE FROM artifact WHERE model = ? AND id = ?");
  const revoke = db.prepare("DELETE FROM artifact WHERE grant_id = ?");

  return class SqliteAdapter {
    constructor(model) { this.model = model; }

    async upsert(id, payload, expiresIn) {
      upsert.run(this.model, id, JSON.stringify(payload), expiresIn ? now() + expiresIn : null,
        payload.grantId ?? null, payload.userCode ?? null, payload.uid ?? null);
    }

    async find(id) { return read(find.get(this.model, id)); }

    async findByUid(uid) { return read(findByUid.get(uid, this.model)); }

    async findByUserCode(userCode) { return read(findByUserCode.get(userCode, this.model)); }

    async consume(id) { consume.run(now(), this.model, id); }

    async destroy(id) { destroy.run(this.model, id); }

    async revokeByGrantId(grantId) { revoke.run(grantId); }
  };
}
