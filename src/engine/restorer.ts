import type { Readable } from "node:stream";
import type { Manifest } from "../backup/manifest.ts";
import type { Host } from "../host/host.ts";
import type { EngineName } from "./engine.ts";

/** Brings one database back without gambling with the live one. One instance serves one database on one host. */
export interface Restorer {
  readonly name: EngineName;
  /** Where a dump is staged, and where its decoders can run. */
  readonly host: Host;

  /**
   * Looks at the place where the database is, or was, without changing anything, and refuses what cannot work: no right to
   * create, a server older than the dump, roles or extensions that the dump needs and the server lacks, too
   * little disk.
   *
   * @throws InputError, CommandError
   */
  survey(wanted: Wanted): Promise<Site>;

  /**
   * Keeps other restores and backups of this database out until disposed. The lock goes with the process that holds it: a
   * killed run leaves none.
   *
   * @throws InputError when somebody else has it
   */
  lock(site: Site): Promise<AsyncDisposable>;

  /**
   * Makes a copy of the dump beside the live database, which it does not touch. What killed restores have left there is
   * removed first; what fails half way leaves nothing.
   *
   * @throws the error of `dump.stream` itself; CommandError when the dump cannot be restored
   */
  stage(site: Site, dump: Incoming): Promise<Staged>;

  /**
   * Puts back what the last restore has replaced, by the same swap; what was live is kept in its stead.
   *
   * @throws InputError when nothing was kept
   */
  undo(site: Site): Promise<Promoted>;
}

/** What is to be restored, as far as it is known before its bytes are read. */
export interface Wanted {
  /** Undefined for what another tool has made, and when what is wanted is to undo. */
  readonly manifest: Manifest | undefined;
  /** Restore under this name or path beside the live database; undefined replaces it. */
  readonly beside: string | undefined;
  readonly keepPrevious: boolean;
}

/** The place of a restore as `survey` found it. */
export interface Site {
  readonly wanted: Wanted;
  /** The database that would be replaced; undefined when there is none under that name. */
  readonly live: { readonly name: string; readonly bytes: number } | undefined;
  /** What `undo` would put back, the newest first: names of databases, or paths. */
  readonly kept: readonly string[];
  /** Version of the server, or of the tool that opens the file. */
  readonly version: string;
  /** Lines for the log: things that are not as they were but do not stand in the way. */
  readonly warnings: readonly string[];
}

/** A dump on its way to where it is staged. */
export interface Incoming {
  /** Fails instead of ending when bytes are missing. */
  readonly stream: Readable;
  /** Command lines that make the dump of it, each from stdin to stdout, in this order, on the restorer's host. */
  readonly decoders: readonly (readonly string[])[];
  /** What the dump is: pg_dump's custom format, plain SQL, or a SQLite file. */
  readonly kind: "custom" | "sql" | "sqlite";
  /** Is to be called from time to time while what has come is worked on and nothing more is read: otherwise that is a stall. */
  readonly working: () => void;
}

/** A copy beside the live database. Disposing discards it unless it was promoted. */
export interface Staged extends AsyncDisposable {
  /** How messages call it. */
  readonly name: string;

  /**
   * Compares the copy with what its manifest says, and checks it by the engine's own means.
   *
   * @returns what was found right, a line each
   * @throws IntegrityError when it is not the database that was backed up
   */
  verify(): Promise<readonly string[]>;

  /**
   * Puts the copy in the place of the live database, in one short step. When it fails, the live database is where it was.
   *
   * @throws CommandError, ConnectionError; the message tells under which names live and staged are
   */
  promote(): Promise<Promoted>;
}

/** The restored database in its place. */
export interface Promoted {
  /** The name or path that is live now. */
  readonly live: string;
  /** Where what was replaced is now; undefined when there was nothing, or it is not kept. */
  readonly previous: string | undefined;
  /** How long the engine's own step kept clients out. */
  readonly unavailableMs: number;

  /**
   * Looks at the live database once all that was stopped runs again.
   *
   * @throws IntegrityError
   */
  check(): Promise<void>;

  /** Puts what was replaced back in its place and removes the restored one. */
  rollBack(): Promise<void>;

  /** Ends it: drops what was replaced unless it is kept. */
  settle(): Promise<void>;
}
