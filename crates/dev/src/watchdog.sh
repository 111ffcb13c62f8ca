# Ends a shared test server when no process has used it for a while, then removes its files.
# Arguments: its folder, the folder of its data, its process id, the seconds to wait.
trap '' HUP INT
folder=$1 files=$2 server=$3 patience=$4

alive() {
    kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

in_use() {
    for user in "$folder"/users/*; do
        if alive "${user##*/}"; then return 0; fi
        rm -f "$user"
    done
    return 1
}

idle=0
while alive "$server" && [ "$idle" -lt "$patience" ]; do
    sleep 1
    idle=$((idle + 1))
    if in_use; then idle=0; fi
    if [ "$idle" -ge "$patience" ]; then
        # Who registered before this line still counts; who reads the file after it finds nothing.
        mv -f "$folder/server.json" "$folder/retired.json" 2>/dev/null
        if in_use; then idle=0; fi
    fi
done

kill -QUIT "$server" 2>/dev/null
for _ in 1 2 3 4 5; do
    if ! alive "$server"; then break; fi
    sleep 1
done
kill -KILL "$server" 2>/dev/null
rm -rf "$files" "$folder"
