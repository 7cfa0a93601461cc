// Generated from src/engine/postgres/dump.sh by scripts/embed.ts.
export default "exec \"$@\"";
