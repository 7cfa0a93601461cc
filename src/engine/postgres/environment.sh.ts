// Generated from src/engine/postgres/environment.sh by scripts/embed.ts.
export default "for name do\n  eval \"value=\\${$name-}\"\n  printf '%s\\0' \"$value\"\ndone";
