# Makes a table of how each target of a fleet went. Input: pages of "List jobs for a workflow run" of GitHub's REST API.

def cell: gsub("\\|"; "\\|");

def duration:
  if .started_at and .completed_at then
    (.completed_at | fromdate) - (.started_at | fromdate)
    | if . < 60 then "\(.) s" else "\(. / 60 | floor) min \(. % 60) s" end
  else "" end;

[.[].jobs[]
  | (.name | capture(" / targets [0-9]+ to [0-9]+ / (?<target>.+)$")) as {$target}
  | {$target, result: (.conclusion // .status), log: .html_url, duration: duration}]
| sort_by(.result == "success", .target)
| "### Fleet: \(map(select(.result == "success")) | length) of \(length) targets went well",
  "",
  "| Target | Result | Duration |",
  "| --- | --- | --- |",
  (.[] | "| [\(.target | cell)](\(.log)) | \(.result) | \(.duration) |")
