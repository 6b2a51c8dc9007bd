# What a sync asks for.
# shellcheck shell=sh disable=SC2154 # set elsewhere

while IFS= read -r line; do
  case $line in
    'hello '*) hello "${line#hello }" ;;
    begin) begin ;;
    scan) look_ahead ;;
    'common '*) common "${line#common }" ;;
    'ahead '*) receive_ahead "${line#ahead }" ;;
    'land '*) land "${line#land }" && break ;;
  esac
done
