/** A block of commands, by its page and the beginning of its text. */
type Which = `${string}.md: ${string}`;

/** Why a block is not run but only checked by shellcheck. */
export const reasons: Readonly<Record<Which, string>> = {
  "README.md: npm run demo": "these are this test run and the demo, which has a CI step of its own",
  "docs/runbook.md: aws s3api restore-object":
    "the test server archives nothing that could be thawed",
};

/** Blocks for the host, which are run as root in a container. */
export const onHost: readonly Which[] = [
  "docs/moving-from-sqlite-volume-copy.md: sudo install",
  "docs/moving-from-sqlite-volume-copy.md: crontab",
  "docs/quick-start.md: adduser",
  "docs/runbook.md: sed -i.old",
];

/** What a block finds, as shell that runs right before it. `fresh NAME…` makes databases like that of the shop. */
export const before: Readonly<Record<Which, string>> = {
  "README.md: aws s3 cp": "dropdb --force shop; createdb shop",
  "RELEASE.md: npm version": `
    mkdir src
    echo '{"version": "0.9.0", "scripts": {"build": "true", "docs": "true"}}' >package.json
    echo 'export const version = "0.9.0";' >src/version.ts
    git init --quiet --bare origin.git
    git init --quiet
    git add package.json src
    git commit --quiet --message 'Begin'
    git remote add origin origin.git`,
  "RELEASE.md: git push": "git push --quiet origin main:refs/tags/v1",
  "docs/manifest.md: jq .settings": "fresh; zstd -dqf shop_*.dump.zst -o app.dump",
  "docs/manifest.md: sqlite3": "mkdir data; sqlite3 app.db 'CREATE TABLE orders (id)'",
  "docs/moving-from-pg-dump-cron.md: aws iam": "aws iam create-user --user-name shop-backup",
  "docs/moving-from-sqlite-volume-copy.md: docker exec": `
    docker exec manual-web mkdir -p /app/instance
    docker exec manual-web sqlite3 /app/instance/drill.db 'CREATE TABLE manuals (id)'
    docker exec manual-web sqlite3 /app/instance/drill_old.db 'CREATE TABLE manuals (id)'`,
  "docs/quick-start.md: aws cloudformation deploy":
    "aws cloudformation delete-stack --stack-name holdfast",
  // Of a change set moto makes all but the outputs.
  "docs/quick-start.md: aws cloudformation describe-stacks": `
    aws cloudformation delete-stack --stack-name holdfast
    aws cloudformation create-stack --stack-name holdfast --template-body file://holdfast.yml --parameters \\
      ParameterKey=Repository,ParameterValue=example/shop ParameterKey=NotificationEmail,ParameterValue=ops@example.com`,
  "docs/quick-start.md: gh release download": "git init --quiet --bare origin.git",
  "docs/quick-start.md: git add":
    "git init --quiet; git remote add origin origin.git; git config push.autoSetupRemote true",
  "docs/quick-start.md: docker exec": "fresh shop_drill",
  "docs/rds.md: psql": "fresh; psql -X -d shop -c 'DROP ROLE IF EXISTS backup'",
  "docs/runbook.md: for database in": "fresh shop shop_old",
  "docs/runbook.md: sqlite3 app.db":
    'for name in app old; do sqlite3 $name.db "CREATE TABLE orders (id PRIMARY KEY)"; done',
  "docs/runbook.md: gh variable set": "echo line >known_hosts",
  "docs/runbook.md: gh secret set": 'printf %s "$LAB_KEY" >holdfast-key',
  "docs/runbook.md: aws s3api list-object-versions":
    "printf x | aws s3 cp - s3://example-backups/database/a; aws s3 rm s3://example-backups/database/a",
  "docs/runbook.md: age -d": `
    mv shop.dump.zst plain
    age -e -i identity.txt -o shop.dump.zst.age plain`,
  "docs/runbook.md: jq -r '.settings": "fresh",
  'docs/runbook.md: aws s3 cp "s3://example-backups/$key" - | zstd': `
    dropdb shop_restored
    createdb shop_restored`,
  "docs/runbook.md: zstd -dc app.db.zst": "zstd -q app.db",
  "docs/runbook.md: env 'INPUT_OPERATION=restore'":
    "fresh; printf '%s' \"$LAB_KNOWN_HOSTS\" >known_hosts",
  "docs/runbook.md: docker exec shop-db-1 psql -U postgres -Atc":
    "fresh shop_before_20260131_190312",
  "docs/troubleshooting.md: aws s3 cp": "fresh",
};
