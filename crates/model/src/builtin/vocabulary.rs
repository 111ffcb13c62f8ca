//! The words that the provider knows, and what each is for.

use super::words::{Shape, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Portuguese,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Sum,
    Average,
    Minimum,
    Maximum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    AtLeast,
    Less,
    AtMost,
}

/// What a date can be cut down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Month,
    Year,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Count,
    Distinct,
    Rows,
    Aggregate(Function),
    /// "the most rows"; false: "the fewest".
    Most(bool),
    /// "top"; false: "bottom".
    Top(bool),
    By,
    SortBy,
    /// true: descending.
    Direction(bool),
    Show,
    Which,
    /// "qual": asks for one thing, so it lists nothing.
    WhichOne,
    Where,
    With,
    Have,
    In,
    Preposition,
    And,
    Is,
    Not,
    Compare(Comparison),
    Between,
    Unit(Unit),
    TableNoun,
    Article,
    /// Says nothing that a query would have to respect.
    Filler,
    /// Says something that no pattern can express, so no pattern takes it.
    Unclear,
}

type Entry = (Tag, &'static str);

const ENGLISH: &[Entry] = &[
    (Tag::Count, "how many|number of|total number of|count of|count"),
    (Tag::Distinct, "different|distinct|unique"),
    (Tag::Rows, "rows|row|records|record|entries"),
    (Tag::Aggregate(Function::Sum), "sum|total"),
    (Tag::Aggregate(Function::Average), "average|mean|avg"),
    (Tag::Aggregate(Function::Minimum), "minimum|min|lowest|smallest"),
    (Tag::Aggregate(Function::Maximum), "maximum|max|highest|largest|greatest|biggest"),
    (Tag::Most(true), "most"),
    (Tag::Most(false), "fewest"),
    (Tag::Top(true), "top"),
    (Tag::Top(false), "bottom"),
    (Tag::By, "by|per|each|by each|for each|in each|of each|for every|grouped by|group by"),
    (Tag::SortBy, "sorted by|ordered by|sort by|order by"),
    (Tag::Direction(true), "descending|desc|in descending order"),
    (Tag::Direction(false), "ascending|asc|in ascending order"),
    (Tag::Show, "list|show|display|give me|select|find"),
    (Tag::Which, "which|what"),
    (Tag::Where, "where|whose|that have|that has"),
    (Tag::With, "with|having"),
    (Tag::Have, "have|has|had"),
    (Tag::In, "in|of|for|during|within"),
    (Tag::Preposition, "from|on|at|across|among"),
    (Tag::And, "and"),
    (Tag::Is, "is|are|was|were|equals|equal to|is equal to|are equal to"),
    (Tag::Not, "not|different from|not equal to"),
    (
        Tag::Compare(Comparison::Greater),
        "greater than|more than|higher than|larger than|bigger than|above|over|after",
    ),
    (Tag::Compare(Comparison::AtLeast), "at least|greater than or equal to|no less than|since"),
    (
        Tag::Compare(Comparison::Less),
        "less than|fewer than|lower than|smaller than|below|under|before",
    ),
    (Tag::Compare(Comparison::AtMost), "at most|less than or equal to|no more than|up to"),
    (Tag::Between, "between"),
    (Tag::Unit(Unit::Day), "day"),
    (Tag::Unit(Unit::Month), "month"),
    (Tag::Unit(Unit::Year), "year"),
    (Tag::TableNoun, "table"),
    (Tag::Article, "the|a|an|all|all the"),
    (
        Tag::Filler,
        "there|do|does|did|please|me|tell me|can you|could you|i want to know|value|values|\
         in total|overall|that",
    ),
    (
        Tag::Unclear,
        "or|but|if|than|as|to|like|containing|contains|starting|starts|ending|ends|similar|\
         null|missing|unknown|empty|blank|any|some|only|except|without|no|never|other",
    ),
];

const PORTUGUESE: &[Entry] = &[
    (
        Tag::Count,
        "quantos|quantas|quantidade de|numero de|numero total de|contagem de|conte|\
         total de registros|total de linhas",
    ),
    (Tag::Distinct, "diferentes|diferente|distintos|distintas|distinto|distinta|unicos|unicas"),
    (Tag::Rows, "registros|registro|linhas|linha"),
    (Tag::Aggregate(Function::Sum), "soma|total|somatorio"),
    (Tag::Aggregate(Function::Average), "media|medio|medias|medios"),
    (
        Tag::Aggregate(Function::Minimum),
        "minimo|minima|min|menor|menores|mais baixo|mais baixa|mais baixos|mais baixas",
    ),
    (
        Tag::Aggregate(Function::Maximum),
        "maximo|maxima|max|maior|maiores|mais alto|mais alta|mais altos|mais altas",
    ),
    (Tag::Most(true), "mais"),
    (Tag::Most(false), "menos"),
    (Tag::Top(true), "top"),
    (
        Tag::By,
        "por|cada|por cada|para cada|de cada|em cada|agrupado por|agrupada por|agrupados por|\
         agrupadas por",
    ),
    (Tag::SortBy, "ordenado por|ordenada por|ordenados por|ordenadas por"),
    (Tag::Direction(true), "decrescente|em ordem decrescente"),
    (Tag::Direction(false), "crescente|em ordem crescente"),
    (Tag::Show, "liste|listar|lista|mostre|mostrar|me mostre|exiba|selecione"),
    (Tag::Which, "quais|que"),
    (Tag::WhichOne, "qual"),
    (Tag::Where, "onde|cujo|cuja|cujos|cujas|em que|que tem|que tenham"),
    (Tag::With, "com"),
    (Tag::Have, "tem|possui|possuem|tenha|tenham|teve"),
    (Tag::In, "em|no|na|nos|nas|de|do|da|dos|das|durante"),
    (Tag::Preposition, "para"),
    (Tag::And, "e"),
    (Tag::Is, "é|sao|seja|sejam|foi|igual a|é igual a|seja igual a"),
    (Tag::Not, "nao|nao é|nao seja|diferente de|é diferente de"),
    (
        Tag::Compare(Comparison::Greater),
        "maior que|maior do que|maiores que|maiores do que|mais de|mais que|mais do que|acima de|\
         superior a|depois de|apos",
    ),
    (
        Tag::Compare(Comparison::AtLeast),
        "pelo menos|ao menos|no minimo|maior ou igual a|a partir de|desde",
    ),
    (
        Tag::Compare(Comparison::Less),
        "menor que|menor do que|menores que|menores do que|menos de|menos que|menos do que|\
         abaixo de|inferior a|antes de",
    ),
    (Tag::Compare(Comparison::AtMost), "no maximo|menor ou igual a|ate"),
    (Tag::Between, "entre"),
    (Tag::Unit(Unit::Day), "dia"),
    (Tag::Unit(Unit::Month), "mes"),
    (Tag::Unit(Unit::Year), "ano"),
    (Tag::TableNoun, "tabela"),
    (Tag::Article, "o|a|os|as|um|uma|todos|todas|todos os|todas as"),
    (
        Tag::Filler,
        "ha|existe|existem|esta|estao|por favor|me|me diga|quero saber|valor|valores|no total|\
         ao todo",
    ),
    (
        Tag::Unclear,
        "ou|mas|se|como|contendo|contem|comeca|comecando|termina|nulo|nula|ausente|desconhecido|\
         desconhecida|vazio|vazia|algum|alguma|apenas|so|exceto|sem|nunca|outro|outra",
    ),
];

/// What the longest known phrase at the start of the tokens is for, and its length.
pub(super) fn longest(tokens: &[Token<'_>], language: Language) -> Option<(Tag, usize)> {
    let entries = match language {
        Language::English => ENGLISH,
        Language::Portuguese => PORTUGUESE,
    };
    let phrases = entries.iter().flat_map(|&(tag, all)| all.split('|').map(move |it| (tag, it)));
    let matching = phrases.filter_map(|(tag, phrase)| {
        let length = phrase.split(' ').count();
        let candidate = tokens.get(..length)?;
        let is_match = candidate
            .iter()
            .zip(phrase.split(' '))
            .all(|(token, word)| token.shape == Shape::Word && is_word(&token.words, word));
        is_match.then_some((tag, length))
    });
    matching.max_by_key(|&(_, length)| length)
}

/// "What's" is "what".
fn is_word(words: &[String], word: &str) -> bool {
    match words {
        [it] => it == word,
        [it, ending] => ending == "s" && it == "what" && it == word,
        _ => false,
    }
}

/// Decides by the words that only one of the languages has.
pub(super) fn language(tokens: &[Token<'_>]) -> Language {
    let (english, portuguese) =
        (known(tokens, Language::English), known(tokens, Language::Portuguese));
    let has_accents = tokens.iter().any(|it| it.raw.contains(|c: char| "áàâãéêíóôõúç".contains(c)));
    if portuguese > english || (portuguese == english && has_accents) {
        Language::Portuguese
    } else {
        Language::English
    }
}

fn known(tokens: &[Token<'_>], language: Language) -> usize {
    let mut at = 0;
    let mut known = 0;
    while at < tokens.len() {
        let length = longest(&tokens[at..], language).map_or(0, |(_, length)| length);
        known += length;
        at += length.max(1);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::{super::words, *};

    #[track_caller]
    fn check(text: &str, expected: Language) {
        assert_eq!(language(&words::tokens(text)), expected);
    }

    #[test]
    fn the_language_is_the_one_with_more_known_words() {
        check("How many penguins are there?", Language::English);
        check("Do penguins fly?", Language::English);
        check("total precipitation", Language::English);
        check("", Language::English);
        check("Quantos pinguins voam?", Language::Portuguese);
        check("total de precipitation", Language::Portuguese);
        check("Olá, você!", Language::Portuguese);
    }

    #[test]
    fn every_phrase_is_written_as_it_is_compared() {
        for (_, phrases) in ENGLISH.iter().chain(PORTUGUESE) {
            for word in phrases.split(['|', ' ']) {
                assert_eq!(words::name_words(word), [word]);
            }
        }
    }

    #[test]
    fn no_phrase_has_two_meanings() {
        for entries in [ENGLISH, PORTUGUESE] {
            let mut all: Vec<&str> = entries.iter().flat_map(|(_, it)| it.split('|')).collect();
            all.sort_unstable();
            let repeated: Vec<_> = all.windows(2).filter(|pair| pair[0] == pair[1]).collect();
            assert!(repeated.is_empty(), "{repeated:?}");
        }
    }
}
