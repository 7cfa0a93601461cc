// Generated from src/engine/sqlite/restore-remove.sh by scripts/embed.ts.
export default "set -u\nenter \"$1\" || fail \"$1: its directory cannot be entered\"\ncase $2 in\nrestoring-$stamp | before_$stamp) named \"$2\" && remove \"$name\" ;;\n*) fail \"no such tag: $2\" ;;\nesac";
