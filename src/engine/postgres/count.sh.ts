// Generated from src/engine/postgres/count.sh by scripts/embed.ts.
export default "HOLDFAST_DUMP=$5\nexport HOLDFAST_DUMP\ntrap : HUP INT TERM\nexec 3>&1\ndumped=$(\n  trap : HUP INT TERM\n  printf '%s\\n' \"$4\" | \"$1\" -XqAtw -v ON_ERROR_STOP=1 -v lock_timeout=\"$3\" -d \"$2\" 8>&1 >&2\n)\ncounted=$?\n[ \"$dumped\" = 0 ] || exit \"${dumped:-1}\"\nexit \"$counted\"";
