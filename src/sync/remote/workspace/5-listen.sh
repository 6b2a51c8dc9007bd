# What is asked for of a workspace.
# shellcheck shell=sh disable=SC2154,SC2034 # set elsewhere

while IFS= read -r line; do
  case $line in
    'hello '*) hello "${line#hello }" ;;
    scan) look_ahead ;;
    'common '*) common "${line#common }" ;;
    'land '*) land "${line#land }" && if [ "$mode" = dry ]; then tell_standing; fi ;;
    'objects '*) send_objects "${line#objects }" ;;
    drifted) tell_drifted ;;
    verify) verify ;;
    drift) list_drift ;;
    'drift '*) show_drift "${line#drift }" ;;
    'overlay '*) overlay ;;
    'drop '*) drop_drift "${line#drop }" ;;
    replaced) tell_replaced ;;
    history) tell_history ;;
    'own '*) tell_own "${line#own }" ;;
    'history '*) land_history "${line#history }" ;;
  esac
done
