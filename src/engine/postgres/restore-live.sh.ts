// Generated from src/engine/postgres/restore-live.sh by scripts/embed.ts.
export default "IFS= read -r live || exit 1\nlive=$(printf '%bx' \"$live\")\nlive=${live%x}";
