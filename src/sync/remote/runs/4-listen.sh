# What is asked for of the runs in a workspace.
# shellcheck shell=sh disable=SC2154,SC2034,SC2086 # set elsewhere; words without blanks

while IFS= read -r line; do
  case $line in
    'at '*) at "${line#at }" ;;
    list) list ;;
    'start '*) start "${line#start }" ;;
    'settle '*) settle "${line#settle }" ;;
    'read '* | 'follow '*) read_run $line ;;
  esac
done
