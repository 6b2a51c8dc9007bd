# Interrupts the process group $0, tells it to end where that is not enough, and kills it where that is not, either.
# shellcheck shell=sh

for signal in INT TERM; do
  kill "-$signal" "-$0" || exit 0
  left=15
  while kill -0 "-$0" && [ "$left" -gt 0 ]; do
    left=$((left - 1))
    sleep 0.1 || sleep 1
  done
done
kill -KILL "-$0"
