#!/usr/bin/env bash
# Installs what the sessions in a real VS Code need into the folder that is given: code-server, a browser, ripgrep. All of it comes
# from npm. Needs Node 20 and, for code-server's password hashing, a C compiler and python3.
set -euo pipefail
folder=${1:?usage: tools.sh FOLDER}
mkdir -p "$folder"
cd "$folder"
rm -f complete
echo '{ "name": "cargo-tgen-test-tools", "private": true, "version": "1.0.0" }' > package.json
packages=(code-server@4.100.3)
case "$(uname -sm)" in
  "Linux x86_64") packages+=(@sparticuz/chromium@137.0.1 @vscode/ripgrep-linux-x64@1.18.0) ;;
esac
npm install --no-audit --no-fund --loglevel=error --ignore-scripts "${packages[@]}"
# Passwords are hashed with a native module, which is required at the start even where there is no password.
[ -d node_modules/argon2/prebuilds ] || npm_config_build_from_source=true npm rebuild --loglevel=error argon2

if [ -n "${CHROMIUM:-}" ]; then
  echo "$CHROMIUM" > browser
elif [ -d node_modules/@sparticuz/chromium ]; then
  # It unpacks the libraries that a bare system lacks where it believes to be in one of Amazon's functions.
  TMPDIR="$folder" AWS_LAMBDA_JS_RUNTIME=nodejs22.x node -e '
    import("@sparticuz/chromium").then(async (chromium) => console.log(await chromium.default.executablePath()))' > browser
  [ -e "$folder/al2023/lib/libnss3.so" ] || { echo "tools.sh: the browser has come without its libraries" >&2; exit 1; }
else
  command -v chromium google-chrome chrome | head -n 1 > browser
fi
[ -s browser ] || { echo "tools.sh: no browser; name one in CHROMIUM" >&2; exit 1; }

ripgrep=$(ls "$folder"/node_modules/@vscode/ripgrep-*/bin/rg 2>/dev/null || command -v rg)
cd node_modules/code-server/lib/vscode
npm install --no-audit --no-fund --loglevel=error --omit=dev --ignore-scripts
# What its own installation does after that.
mkdir -p node_modules/@vscode/ripgrep/bin
ln -sf "$ripgrep" node_modules/@vscode/ripgrep/bin/rg
ln -sfn node_modules node_modules.asar
touch "$folder/complete"
