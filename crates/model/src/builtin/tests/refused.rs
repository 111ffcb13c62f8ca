use super::*;

#[track_caller]
fn refuses(text: &str) {
    if let Ok(query) = understand(text, &demo()) {
        panic!("{text}: {query}");
    }
}

#[test]
fn a_word_that_no_clause_takes_makes_the_question_unknown() {
    refuses("Quantos pinguins voam?");
    refuses("Quantos penguins voam?");
    refuses("How many penguins can fly?");
    refuses("average body_mass_g of penguins on Mars");
    refuses("How many airports are in TX?");
    refuses("How many airports are in state TX in the USA?");
    refuses("how many penguins are there in 2008");
    refuses("average body_mass_g of Adelie penguins");
    refuses("median body_mass_g");
    refuses("average temp_max in seattle");
    refuses("average body_mass_g by species today");
    refuses("average body_mass_g in kg");
    refuses("how many airports are above latitude 40");
    refuses("what is the weather?");
    refuses("What is the body_mass_g of penguins?");
    refuses("How many records in 2012?");
    refuses("How many records by month?");
    refuses("how many tables are there");
    refuses("temp_max above 30 degrees");
    refuses("How many penguins with body_mass_g above 4000 or more");
    refuses("How many penguins have a large body_mass_g?");
    refuses("Quantos penguins são pesados?");
    refuses("hello");
    refuses("");
    refuses("?!");
    refuses(&format!("how many penguins {}", "the ".repeat(1_000_000)));
    refuses("show tables");
    refuses("drop me a line");
}

#[test]
fn negations_alternatives_and_exceptions_are_not_overheard() {
    refuses("How many penguins do not have species Adelie?");
    refuses("How many penguins are not of species Adelie?");
    refuses("how many penguins with no sex");
    refuses("how many penguins without sex");
    refuses("how many penguins except species Adelie");
    refuses("how many penguins where species is Adelie or Gentoo");
    refuses("how many penguins where species is Adelie, Gentoo");
    refuses("how many penguins where species is Adelie and Gentoo");
    refuses("how many penguins in 2008 and 2009");
    refuses("average temp_max in 2012 in 2013");
    refuses("how many penguins where species is Adelie and species is Gentoo");
    refuses("how many penguins where sex IS NULL");
    refuses("how many penguins where sex IS NOT NULL");
    refuses("how many airports where state IN ('TX', 'CA')");
    refuses("how many penguins or");
    refuses("how many penguins of species Adelie only");
    refuses("Quantos penguins não são de species Adelie?");
    refuses("Quantos penguins sem sex?");
    refuses("Quantos penguins de species Adelie ou Gentoo?");
    refuses("how many penguins where body_mass_g is not greater than 4000");
}

#[test]
fn vague_values_are_no_values() {
    refuses("how many airports with state missing");
    refuses("how many airports with state beginning a");
    refuses("how many airports with state TX in A");
    refuses("how many airports where state is unknown");
    refuses("how many airports where state is empty");
    refuses("how many penguins with species containing A");
    refuses("how many penguins where species starting with A");
    refuses("how many penguins where species is like a");
    refuses("how many airports where state is the TX");
    refuses("how many airports where city is new york");
    refuses("how many rows where weather is wind");
    refuses("how many penguins where body_mass_g > heavy");
    refuses("how many penguins where body_mass_g > 4,000");
    refuses("Quantos penguins com body_mass_g maior que 4.000?");
    refuses("how many penguins with body_mass_g > 4kg");
    refuses("how many rows where date is after 01/06/2012");
    refuses("how many rows where date is after 2012-02-30");
    refuses("how many rows where date is after 2012");
    refuses("how many penguins where species > B");
    refuses("how many penguins where body_mass_g > temp_max");
    refuses("how many penguins where species = ");
}

#[test]
fn half_a_pattern_is_not_a_question() {
    refuses("penguins");
    refuses("10 penguins");
    refuses("top 5 airports");
    refuses("top species by count");
    refuses("top 0 airports by latitude");
    refuses("top 5 species by body_mass_g");
    refuses("top 5 airports by state");
    refuses("average of penguins");
    refuses("average body_mass_g of 5 penguins");
    refuses("average species");
    refuses("average temp_max and temp_min");
    refuses("average and maximum temp_max");
    refuses("average of temp_max - temp_min");
    refuses("average temp_max / 2");
    refuses("sum of temp_max, sum of temp_min");
    refuses("how many penguins? how many airports?");
    refuses("how many penguins and airports");
    refuses("How many species are there?");
    refuses("how many penguins with the highest body_mass_g");
    refuses("which penguins have average body_mass_g above 4000");
    refuses("which penguins have average body_mass_g");
    refuses("which species is the heaviest");
    refuses("list penguins by species");
    refuses("list species by island");
    refuses("highest average body_mass_g by species");
    refuses("state is TX");
    refuses("how many penguins by state");
}

#[test]
fn what_could_be_several_tables_or_columns_is_asked_back() {
    let shops = schema(
        "orders name:text price_g:numeric price_kg:numeric
         clients name:text age:bigint",
    );

    let tables = reply("How many different names are there?", &shops);
    let columns = reply("average price in orders", &shops);
    let portuguese = reply("Quantos registros existem?", &shops);

    assert!(tables.starts_with("This could be about ds_1.orders or ds_1.clients."), "{tables}");
    assert!(columns.starts_with("This could be about price_g or price_kg."), "{columns}");
    assert!(portuguese.starts_with("Isto pode ser sobre ds_1.orders ou"), "{portuguese}");
}

#[test]
fn the_reply_names_the_word_and_gives_examples_about_the_table() {
    assert_eq!(
        reply("How many airports can fly?", &demo()),
        "I did not understand “can” in this question, so I did not answer it. \
         I understand, for example:\n\n\
         - How many rows are in airports?\n\
         - What is the average latitude by iata in airports?\n\
         - List the 5 airports with the highest latitude"
    );
    assert_eq!(
        reply("Quantos pinguins voam?", &demo()),
        "Não entendi “pinguins” nesta pergunta, por isso não a respondi. \
         Entendo, por exemplo:\n\n\
         - Quantas linhas tem a tabela penguins?\n\
         - Qual a média de bill_length_mm por species em penguins?\n\
         - Liste as 5 linhas de penguins com maior bill_length_mm"
    );
}

#[track_caller]
fn has_examples(schema: &Schema, at_least: usize) {
    for text in ["Do pigs fly?", "Quantos porcos voam?"] {
        let reply = reply(text, schema);
        let examples: Vec<&str> = reply.lines().filter_map(|it| it.strip_prefix("- ")).collect();
        assert!(examples.len() >= at_least, "{reply}");
        for example in examples {
            assert_eq!(language(example), language(text), "{example}");
            assert!(understand(example, schema).is_ok(), "{example}");
        }
    }
}

#[test]
fn every_example_is_understood_and_in_the_language_of_the_question() {
    has_examples(&demo(), 3);
    has_examples(&schema("logs message:text"), 2);
    has_examples(&schema("points id:bigint x:numeric"), 2);
    has_examples(&schema("logs message:text\nlogs message:text"), 0);
    has_examples(&schema("top by:text how:numeric many:numeric"), 0);
}

#[test]
fn a_schema_without_tables_is_said_to_be_empty() {
    let empty = Schema::default();

    assert_eq!(reply("How many rows are there?", &empty), "There are no tables to ask about.");
    assert_eq!(
        reply("Quantas linhas existem?", &empty),
        "Não há tabelas sobre as quais perguntar."
    );
    assert_eq!(reply("Quantos pinguins voam?", &empty), "Não há tabelas sobre as quais perguntar.");
}

#[test]
fn no_prefix_or_mixture_of_questions_panics() {
    let text = "Qual é a média “de” body_mass_g > 'São' por species, e top 5 entre 1 e 2, em 2012?";
    let words: Vec<&str> = text.split(' ').collect();

    for (end, _) in text.char_indices() {
        let _ = understand(&text[..end], &demo());
        let _ = understand(&text[end..], &demo());
    }
    for n in 0..words.len() {
        let mut turned = words.clone();
        turned.rotate_left(n);
        let _ = understand(&turned.join(" "), &demo());
    }
}
