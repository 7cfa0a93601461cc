// Generated from src/engine/postgres/environment.sh by scripts/embed.ts.
export default "for name in $1; do\n  eval \"printf '%s\\\\0' \\\"\\${$name-}\\\"\"\ndone\nshift";
