// Generated from src/engine/postgres/restore-carry.sh by scripts/embed.ts.
export default "exec >\"$1\" || exit\necho \"$$\"\nexec cat";
