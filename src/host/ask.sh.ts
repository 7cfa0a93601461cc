// Generated from src/host/ask.sh by scripts/embed.ts.
export default "tell() {\n  printf '\\n%s %s\\n' \"$HOLDFAST_MARK\" \"$*\" >&2\n}\nexec 3>&1\nsaid=$(\"$@\" 2>&1 >&3 3>&-)\ntell status \"$?\"\nexec 3>&- >&2\nprintf '%s\\n' \"$said\" | while IFS= read -r line; do\n  tell said \"$line\"\ndone";
