#compdef dockreeve
# Completion of dockreeve for zsh. What fits is asked of the program itself.
_dockreeve() {
    local program=${(Q)words[1]} line word text
    local -a typed offers
    (( CURRENT > 2 )) && typed=("${(@Q)words[2,CURRENT-1]}")
    for line in ${(f)"$($program completion words "${typed[@]}" "${(Q)PREFIX}" 2>/dev/null)"}; do
        word=${line%%$'\t'*} text=${line#*$'\t'}
        case $word in
        :files | :folders)
            [[ -n $text ]] && compset -P "${(b)text}"
            [[ $word == :files ]] && _files || _files -/
            return
            ;;
        *) offers+=("${word//:/\\:}:$text") ;;
        esac
    done
    _describe -t words dockreeve offers
}
if [[ $funcstack[1] == _dockreeve ]]; then
    _dockreeve "$@"
else
    compdef _dockreeve dockreeve
fi
