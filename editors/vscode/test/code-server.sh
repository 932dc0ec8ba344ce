#!/usr/bin/env bash
# Installs code-server, which is VS Code in a browser, into the folder that is given. Needs Node 20, a C compiler, python3 and ripgrep.
set -euo pipefail
folder=${1:?usage: code-server.sh FOLDER}
version=4.100.3
mkdir -p "$folder"
cd "$folder"
[ -f package.json ] || echo '{ "name": "code-server-for-tests", "private": true, "version": "1.0.0" }' > package.json
npm install --no-audit --no-fund --loglevel=error --ignore-scripts "code-server@$version"
# Passwords are hashed with a native module, which is required at the start even where there is no password.
[ -d node_modules/argon2/prebuilds ] || npm_config_build_from_source=true npm rebuild --loglevel=error argon2
cd node_modules/code-server/lib/vscode
npm install --no-audit --no-fund --loglevel=error --omit=dev --ignore-scripts
# What its own installation does after that.
mkdir -p node_modules/@vscode/ripgrep/bin
ln -sf "$(command -v rg)" node_modules/@vscode/ripgrep/bin/rg
ln -sfn node_modules node_modules.asar
(cd bin/remote-cli && ln -sf code-linux.sh code-server)
(cd bin/helpers && ln -sf browser-linux.sh browser.sh)
"$folder/node_modules/.bin/code-server" --version
