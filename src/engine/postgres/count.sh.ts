// Generated from src/engine/postgres/count.sh by scripts/embed.ts.
export default "HOLDFAST_DUMP=$5\nexport HOLDFAST_DUMP\nexec 3>&1\ndumped=$(printf '%s\\n' \"$4\" | \"$1\" -XqAtw -v ON_ERROR_STOP=1 -v lock_timeout=\"$3\" -d \"$2\" 8>&1 >&2)\ncounted=$?\n[ \"$dumped\" = 0 ] || exit \"${dumped:-1}\"\nexit \"$counted\"";
