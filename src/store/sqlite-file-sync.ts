import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RefusedReply, SqliteThreadOptions } from './sqlite-protocol.ts';

/** "clus": tells our files from other SQLite databases (`file` shows it). */
const APPLICATION_ID = 0x63_6c_75_73;
/** Raise it when an older program could no longer read what we write, and migrate in `checkFormat`. */
const FORMAT_VERSION = 1;
const PAGE_BYTES = 4096;
/**
 * A commit that finds so many pages in the log moves them into the file before it returns: 24 ms and more. With SQLite's 1000
 * every ninetieth write of an object of 30 kB had to, and took 6 ms for it; the thread does it when nobody waits.
 */
const LOG_PAGES = 4000;
/** How long to wait for the lock of a process that is just ending. */
const LOCK_WAIT_MS = 300;

/** https://www.sqlite.org/rescode.html, primary codes. */
const SQLITE_BUSY = 5;
export const SQLITE_FULL: number = 13;
const SQLITE_NOTADB = 26;

/** SQLite's primary result code, 0 for any other error. */
export function resultCode(error: unknown): number {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === 'number' ? code & 0xff : 0;
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

/** The open, locked database, or why there is none. Nothing is thrown. */
export function openFile({ path, maxBytes }: SqliteThreadOptions): DatabaseSync | RefusedReply {
  let db: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    createPrivate(path);
    db = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    // Exclusive before WAL: the lock is then held until the process ends, however it ends, and there is no shared
    // memory file.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
    const refusal = checkFormat(db, path);
    if (refusal !== undefined) {
      db.close();
      return refusal;
    }
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = FULL');
    db.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
    if (maxBytes !== undefined) db.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / PAGE_BYTES)}`);
    // Takes the lock now and not with the first write.
    db.exec('BEGIN IMMEDIATE; COMMIT');
    return db;
  } catch (error) {
    if (db?.isOpen) db.close();
    return refusalOf(path, error);
  }
}

/** Secrets lie in it. Only a new file is touched: closing a second descriptor would drop the lock of the first. */
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function checkFormat(db: DatabaseSync, path: string): RefusedReply | undefined {
  const version = pragma(db, 'user_version');
  if (pragma(db, 'application_id') === APPLICATION_ID) {
    return version <= FORMAT_VERSION ? undefined : newerFormat(path, version);
  }
  if (version !== 0 || pragma(db, 'schema_version') !== 0) return notOurs(path, 'it is a database of another program');
  db.exec(`
    BEGIN;
    CREATE TABLE event (id INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL, value TEXT) STRICT;
    CREATE TABLE compacted (revision INTEGER NOT NULL) STRICT;
    INSERT INTO compacted VALUES (0);
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${FORMAT_VERSION};
    COMMIT`);
  return undefined;
}

function newerFormat(path: string, version: number): RefusedReply {
  return {
    kind: 'refused',
    code: 'ESTOREVERSION',
    message: `Cannot open the store "${path}": it has format ${version}, and this program knows up to ${FORMAT_VERSION}`,
    hint: 'Use the newer program that wrote it, or another data directory.',
  };
}

function notOurs(path: string, why: string): RefusedReply {
  return {
    kind: 'refused',
    code: 'ESTOREOPEN',
    message: `Cannot open the store "${path}": ${why}`,
    hint: 'Use another data directory, or move the file away.',
  };
}

function refusalOf(path: string, error: unknown): RefusedReply {
  switch (resultCode(error)) {
    case SQLITE_BUSY:
      return {
        kind: 'refused',
        code: 'ESTORELOCKED',
        message: `Cannot open the store "${path}": it is in use by another process`,
        hint: 'Stop that process first, or use another data directory.',
      };
    case SQLITE_NOTADB:
      return notOurs(path, 'it is not a database');
    default:
      return {
        kind: 'refused',
        code: 'ESTOREOPEN',
        message: `Cannot open the store "${path}": ${reason(error)}`,
        hint: 'Check that the directory exists, is writable and has space.',
      };
  }
}
