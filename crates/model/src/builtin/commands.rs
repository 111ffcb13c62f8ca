//! Tells a command of PostgreSQL from a sentence that starts with the same word.

use super::typed_sql;

/// The words that commands begin with.
const COMMANDS: &str = "abort alter analyze analyse begin call checkpoint close cluster comment commit copy create \
    deallocate declare delete discard do drop end execute explain fetch grant import insert listen \
    load lock merge move notify prepare reassign refresh reindex release reset revoke rollback \
    savepoint security select set show start table truncate unlisten update vacuum values with";

/// Words that follow in a sentence, and that name nothing.
const PROSE: &str = "a an the me my our us you your we i it them they this that these those which what how \
    many some any each every only not no by of with for if o os as um uma de do da que";

/// A sentence has more of them than a command without any sign has.
const MAX_PLAIN_WORDS: usize = 6;

/// Whether this is a command rather than plainly prose.
pub(super) fn is_command(text: &str) -> bool {
    let text = typed_sql::skip_blanks(text, "(");
    let Some((first, rest)) = typed_sql::Words(text).next() else { return false };
    is_one_of(COMMANDS, first) && !is_prose(first, rest)
}

/// The same, of what people type: if they mean it, they write the first word in capital
/// letters and the others as they are, or end in a semicolon.
pub(super) fn is_typed_command(text: &str) -> bool {
    let is_capital = |it: &str| !it.chars().any(char::is_lowercase);
    let Some((first, rest)) = typed_sql::Words(text).next() else { return false };
    let is_meant = is_capital(first) && !is_capital(rest) || text.trim_end().ends_with(';');
    is_meant && is_command(text)
}

fn is_prose(first: &str, rest: &str) -> bool {
    let is_sentence = rest.trim_end().ends_with(['.', '?', '!', ':', '…'])
        || ["? ", ". ", ": "].iter().any(|it| rest.contains(it))
        || rest.starts_with([',', '\'', '’', '-', ':', '?', '!', '.']);
    // A name may be such a word, but then nothing follows.
    let goes_on = typed_sql::Words(rest).next().filter(|(_, after)| !after.trim().is_empty());
    let is_lower_case = first.chars().any(char::is_lowercase);
    let has_signs = rest.contains(|c: char| "();='\"_*$".contains(c));
    is_sentence
        || goes_on.is_some_and(|(word, _)| is_one_of(PROSE, word))
        || is_lower_case && !has_signs && rest.split_whitespace().count() > MAX_PLAIN_WORDS
}

fn is_one_of(all: &str, word: &str) -> bool {
    all.split_ascii_whitespace().any(|it| it.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: [&str; 12] = [
        "LISTEN ch",
        "NOTIFY ch, 'x'",
        "CHECKPOINT",
        "ANALYZE sales.orders",
        "DECLARE c CURSOR FOR SELECT 1",
        "FETCH ALL FROM c",
        "SAVEPOINT s",
        "SHOW data_directory",
        "RESET statement_timeout",
        "SET x.y TO on",
        "LOAD 'plugin'",
        "DEALLOCATE p",
    ];

    #[test]
    fn what_a_model_says_is_a_command_unless_it_is_plainly_prose() {
        for text in COMMANDS {
            assert!(is_command(text) && is_command(&text.to_lowercase()), "{text}");
        }
        for text in [
            "Do you mean 2012",
            "Show me which year you mean",
            "Set which filter?",
            "Load times are not in the data.",
            "End of the data. Anything else?",
            "close to what we know about the sales of that year",
            "With regard to penguins: which?",
            "Move on, and then?",
            "Do, or do not.",
            "Penguins",
            "",
        ] {
            assert!(!is_command(text), "{text}");
        }
    }

    #[test]
    fn what_people_type_is_a_command_only_if_they_mean_it() {
        for text in [
            "LISTEN ch",
            "SHOW data_directory",
            "ANALYZE sales.orders",
            "FETCH ALL FROM c",
            "abort;",
        ] {
            assert!(is_typed_command(text), "{text}");
        }
        for text in [
            "show me penguins",
            "SHOW ME PENGUINS",
            "SHOW me penguins",
            "call centres by city",
            "CALL CENTRES BY CITY",
            "fetch penguins",
            "show tables",
            "DO penguins fly?",
            "move to the next page",
        ] {
            assert!(!is_typed_command(text), "{text}");
        }
    }
}
