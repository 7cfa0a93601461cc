export type { PostgresConnection } from "./connection.ts";
