//! Says that a question was not understood, and what would be.

use data_source::schema::{Kind, Schema, Table};

use super::{intent::Problem, understand, vocabulary::Language};

const MAX_EXAMPLES: usize = 3;
/// Of a word or name that is repeated to the user.
const MAX_CHARS: usize = 60;

pub(super) fn help(problem: &Problem, language: Language, schema: &Schema, text: &str) -> String {
    let reason = match language {
        Language::English => in_english(problem),
        Language::Portuguese => in_portuguese(problem),
    };
    let examples = examples(schema, language, text);
    if examples.is_empty() {
        return reason;
    }
    let introduction = match language {
        Language::English => "I understand, for example:",
        Language::Portuguese => "Entendo, por exemplo:",
    };
    let list: String = examples.iter().map(|it| format!("\n- {it}")).collect();
    format!("{reason} {introduction}\n{list}")
}

fn in_english(problem: &Problem) -> String {
    match problem {
        Problem::Unknown(word) => {
            format!(
                "I did not understand “{}” in this question, so I did not answer it.",
                short(word)
            )
        }
        Problem::Unclear => "I did not understand what this question asks for.".to_owned(),
        Problem::Ambiguous(names) => {
            format!("This could be about {}. Please say which.", joined(names, " or "))
        }
        Problem::Apart => "No single table has everything that this question names.".to_owned(),
        Problem::Unfit(column) => {
            format!("The column {} can't be used or compared like this.", short(column))
        }
        Problem::NoTables => "There are no tables to ask about.".to_owned(),
    }
}

fn in_portuguese(problem: &Problem) -> String {
    match problem {
        Problem::Unknown(word) => {
            format!("Não entendi “{}” nesta pergunta, por isso não a respondi.", short(word))
        }
        Problem::Unclear => "Não entendi o que esta pergunta quer saber.".to_owned(),
        Problem::Ambiguous(names) => {
            format!("Isto pode ser sobre {}. Diga qual, por favor.", joined(names, " ou "))
        }
        Problem::Apart => "Nenhuma tabela tem tudo o que esta pergunta menciona.".to_owned(),
        Problem::Unfit(column) => {
            format!("A coluna {} não pode ser usada ou comparada assim.", short(column))
        }
        Problem::NoTables => "Não há tabelas sobre as quais perguntar.".to_owned(),
    }
}

fn short(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

fn joined(names: &[String], or: &str) -> String {
    names.iter().map(|it| short(it)).collect::<Vec<_>>().join(or)
}

/// Questions that the schema has answers to; each is one that is understood.
fn examples(schema: &Schema, language: Language, text: &str) -> Vec<String> {
    let names = super::names::Names::of(schema);
    let tokens = super::words::tokens(text);
    let named = (0..tokens.len()).find_map(|at| names.tables(&tokens[at..]));
    let first = named.and_then(|(tables, _)| tables.first().copied()).unwrap_or(0);
    let others = schema.tables.iter().enumerate().filter(|(at, _)| *at != first);
    let tables = schema.tables.get(first).into_iter().chain(others.map(|(_, table)| table));
    tables
        .flat_map(|table| about(table, language))
        .filter(|it| understand(it, schema).is_ok())
        .take(MAX_EXAMPLES)
        .collect()
}

fn about(table: &Table, language: Language) -> Vec<String> {
    let is_key = |name: &str| name == "id" || name.ends_with("_id") || name == "year";
    let name = &table.name;
    let find = |kind| table.columns.iter().find(|it| it.kind == kind && !is_key(&it.name));
    let text = find(Kind::Text).map(|it| &it.name);
    let number = find(Kind::Number).map(|it| &it.name);
    let mut examples = match language {
        Language::English => vec![format!("How many rows are in {name}?")],
        Language::Portuguese => vec![format!("Quantas linhas tem a tabela {name}?")],
    };
    if let (Some(text), Some(number)) = (text, number) {
        examples.push(match language {
            Language::English => format!("What is the average {number} by {text} in {name}?"),
            Language::Portuguese => format!("Qual a média de {number} por {text} em {name}?"),
        });
    }
    if let Some(number) = number {
        examples.push(match language {
            Language::English => format!("List the 5 {name} with the highest {number}"),
            Language::Portuguese => format!("Liste as 5 linhas de {name} com maior {number}"),
        });
    }
    if let Some(text) = text {
        examples.push(match language {
            Language::English => format!("How many different {text} are in {name}?"),
            Language::Portuguese => format!("Quantas {text} diferentes tem em {name}?"),
        });
    }
    examples
}
