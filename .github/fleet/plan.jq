# Makes shards of a fleet's targets: [{range: "1 to 256", targets: [{name, database, …}, …]}, …], every value a text.
# Input: the file of targets and fleet-shard.yml, which says what a target may give.

def refuse: "::error title=Targets::\($ENV.TARGETS): \(.)\n" | halt_error(1);

def text:
  if type == "array" then map(tostring) | join("\n") elif . == null then "" else tostring end;

def refuse_others($known; $which):
  (keys - $known) as $others
  | if $others == [] then . else "\($others | join(", ")) of \($which) is nothing that a target may give" | refuse end;

. as [$file, $shard]
| ($shard.jobs.target.steps | last | .with
    | [to_entries[] | select(.value | contains("matrix.target.")) | .key]) as $inputs
| ($file.defaults? // {}) as $defaults
| ($file.targets? // null)
| if type != "array" or . == [] then "`targets` is not a list of targets" | refuse else . end
| to_entries
| map(
    "target \(.key + 1)" as $which
    | .value
    | if type == "object" then . else "\($which) is not a mapping" | refuse end
    | refuse_others($inputs + ["name"]; $which)
    | ($defaults | refuse_others($inputs; "defaults")) + .
    | if .database then . else "\($which) has no database" | refuse end
    | map_values(text)
    | .name //= "\(.database) on \(.["ssh-host"] // $ENV.SSH_HOST)"
  )
| [range(0; length; 256) as $from
    | {range: "\($from + 1) to \([$from + 256, length] | min)", targets: .[$from:$from + 256]}]
# A job's output has at most a mebibyte, of UTF-16: docs.github.com, "Defining outputs for jobs".
| if tojson | length < 500000 then . else "too much for one run; split it into several files" | refuse end
