#!/usr/bin/env bash
# Written by `cargo tgen emit slurm --shards 4 '--sbatch=--partition=gpu' --setup '. venv/bin/activate' --retries 2 --retry-on 'crashed,Connection reset'`.
#
# bash FILE [BUNDLE [FOLDER]]: submits the 4 shards of the bundle, one array a hardware type and memory need.
# FOLDER must be on a file system that all nodes share; logs and results are written there.
set -euo pipefail
bundle=$(realpath -- "${1:-bundle.zip}")
run="slurm-$(date -u +%Y%m%d-%H%M%S)-$$"
folder=$(realpath -m -- "${2:-results}")/$run
mkdir -p -- "$folder"
python3 -m zipfile -e "$bundle" "$folder/tests"
export TGEN_RUN="$run" TGEN_FOLDER="$folder"
arrays=()

# Submits an array: the hardware type, the memory that its tests need, how many shards come before its own, how many it
# has, and further options of sbatch.
submit() {
  export TGEN_HARDWARE="$1" TGEN_NEEDS="$2" TGEN_BEFORE="$3" TGEN_SHARDS="$4"
  shift 4
  arrays+=("$(sbatch --parsable --export=ALL --requeue --array="1-$TGEN_SHARDS" --job-name="tgen-$TGEN_HARDWARE" \
    --cpus-per-task=4 --output="$folder/%A_%a.log" --open-mode=append '--partition=gpu' "$@" <<'SCRIPT'
#!/usr/bin/env bash
set -uo pipefail
. venv/bin/activate || exit 3
label=$((TGEN_BEFORE + SLURM_ARRAY_TASK_ID))
python3 "$TGEN_FOLDER/tests/driver.py" --hardware "$TGEN_HARDWARE" --needs "$TGEN_NEEDS" \
  --shard "$SLURM_ARRAY_TASK_ID/$TGEN_SHARDS" --label "$label/4" --jobs "${SLURM_CPUS_PER_TASK:-1}" \
  --run "$TGEN_RUN" --results "$TGEN_FOLDER/$label.jsonl" --retries 2 '--retry-on=crashed,Connection reset'
status=$?
# Only the machine has failed: another node tries what is not recorded yet.
if [ "$status" = 3 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 2 ]; then
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
fi
exit "$status"
SCRIPT
)")
}

submit cpu ..4GB 0 1 --mem=4G --time=20
submit cpu 4GB..8GB 1 1 --mem=8G --time=20
submit cuda ..4GB 2 1 --mem=4G --time=20 --gres=gpu:1
submit cuda 4GB..8GB 3 1 --mem=8G --time=20 --gres=gpu:1

sbatch --dependency="afterany:$(IFS=:; echo "${arrays[*]%%;*}")" --job-name=tgen-merge --output="$folder/merge.log" \
  --export=ALL <<'SCRIPT'
#!/usr/bin/env bash
# A last line that was cut gets its end.
awk 1 "$TGEN_FOLDER"/[0-9]*.jsonl >"$TGEN_FOLDER/results.jsonl"
SCRIPT
echo "run $run: the results will be in $folder/results.jsonl; read them with \`cargo tgen results show\`"
