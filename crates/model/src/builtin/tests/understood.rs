use super::*;

#[test]
fn rows_are_counted() {
    let sql = "SELECT count(*) FROM ds_1.penguins";
    check("Quantos registros tem na tabela penguins?", sql);
    check("How many penguins are there?", sql);
    check("how many rows are there in the penguins table", sql);
    check("What is the number of penguins?", sql);
    check("count penguins", sql);
    check("What's the number of penguins?", sql);
    check("Qual o total de penguins?", sql);
    check("QUANTAS LINHAS TEM A TABELA PENGUINS?", sql);
    check("Qual é o número total de registros em ds_1.penguins?", sql);
    check("I want to know how many records are in \"penguins\".", sql);
}

#[test]
fn different_values_are_counted() {
    let sql = "SELECT count(DISTINCT species) FROM ds_1.penguins";
    check("How many different species are there?", sql);
    check("Quantas species diferentes existem?", sql);
    check("number of distinct values of species in penguins", sql);
}

#[test]
fn numbers_are_aggregated() {
    check(
        "What is the maximum temp_max in seattle_weather?",
        "SELECT max(temp_max) FROM ds_1.seattle_weather",
    );
    check("máximo de temp_max", "SELECT max(temp_max) FROM ds_1.seattle_weather");
    check("Qual a maior temp max?", "SELECT max(temp_max) FROM ds_1.seattle_weather");
    check("the lowest latitude of airports", "SELECT min(latitude) FROM ds_1.airports");
    check("max date", "SELECT max(date) FROM ds_1.seattle_weather");
    check("Qual a soma de precipitation?", "SELECT sum(precipitation) FROM ds_1.seattle_weather");
    check(
        "precipitation total em 2012",
        "SELECT sum(precipitation) FROM ds_1.seattle_weather \
         WHERE date >= '2012-01-01' AND date < '2013-01-01'",
    );
    check(
        "average body mass",
        "SELECT round(avg(body_mass_g)::numeric, 2) AS avg FROM ds_1.penguins",
    );
}

#[test]
fn aggregates_are_grouped() {
    check(
        "Qual a média de body_mass_g por species?",
        "SELECT species, round(avg(body_mass_g)::numeric, 2) AS avg FROM ds_1.penguins \
         GROUP BY 1 ORDER BY 1",
    );
    check(
        "average temp_max by weather",
        "SELECT weather, round(avg(temp_max)::numeric, 2) AS avg FROM ds_1.seattle_weather \
         GROUP BY 1 ORDER BY 1",
    );
    check(
        "total precipitation per weather",
        "SELECT weather, sum(precipitation) FROM ds_1.seattle_weather GROUP BY 1 ORDER BY 1",
    );
    check(
        "How many penguins by species and island?",
        "SELECT species, island, count(*) FROM ds_1.penguins GROUP BY 1, 2 ORDER BY 1, 2",
    );
    check(
        "For each state, how many airports are there?",
        "SELECT state, count(*) FROM ds_1.airports GROUP BY 1 ORDER BY 1",
    );
    check(
        "Quantos airports existem em cada state?",
        "SELECT state, count(*) FROM ds_1.airports GROUP BY 1 ORDER BY 1",
    );
}

#[test]
fn dates_are_grouped_by_their_parts_and_columns_by_their_names() {
    check(
        "average temp_max by year",
        "SELECT to_char(date, 'YYYY') AS year, round(avg(temp_max)::numeric, 2) AS avg \
         FROM ds_1.seattle_weather GROUP BY 1 ORDER BY 1",
    );
    check(
        "soma de precipitation por mês",
        "SELECT to_char(date, 'YYYY-MM') AS month, sum(precipitation) \
         FROM ds_1.seattle_weather GROUP BY 1 ORDER BY 1",
    );
    check(
        "how many rows of seattle_weather by year, month and weather in the year 2012",
        "SELECT to_char(date, 'YYYY') AS year, to_char(date, 'YYYY-MM') AS month, weather, \
         count(*) FROM ds_1.seattle_weather \
         WHERE date >= '2012-01-01' AND date < '2013-01-01' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    );
    check(
        "how many penguins by year",
        "SELECT year, count(*) FROM ds_1.penguins GROUP BY 1 ORDER BY 1",
    );
}

#[track_caller]
fn check_filter(text: &str, condition: &str) {
    check(text, &format!("SELECT count(*) FROM {condition}"));
}

#[test]
fn rows_are_filtered_by_a_value() {
    let texas = "ds_1.airports WHERE lower(state) = lower('TX')";
    check_filter("How many airports are in state TX?", texas);
    check_filter("How many airports where state = TX", texas);
    check_filter("How many airports have state=TX?", texas);
    check_filter("how many airports whose state is TX", texas);
    check_filter("Quantos airports com state TX?", texas);
    check_filter("Quantos airports onde state é TX?", texas);
    check_filter("How many airports with state 'TX'?", texas);
    let dream = "ds_1.penguins WHERE lower(island) = lower('Dream')";
    check_filter("Quantos penguins cuja island é Dream?", dream);
    check_filter("How many penguins are of island Dream?", dream);
    check_filter(
        "how many penguins where sex is male",
        "ds_1.penguins WHERE lower(sex) = lower('male')",
    );
    check_filter(
        "how many airports where state is not TX",
        "ds_1.airports WHERE lower(state) IS DISTINCT FROM lower('TX')",
    );
}

#[test]
fn values_may_have_several_words_quotes_and_the_spelling_of_known_words() {
    check_filter(
        "how many airports where city is New York",
        "ds_1.airports WHERE lower(city) = lower('New York')",
    );
    check_filter(
        "how many airports where city = 'rio de janeiro' and state is IN",
        "ds_1.airports WHERE lower(city) = lower('rio de janeiro') AND lower(state) = lower('IN')",
    );
    check_filter(
        "how many airports where name = \"O'Hare; DROP TABLE x --\"",
        "ds_1.airports WHERE lower(name) = lower('O''Hare; DROP TABLE x --')",
    );
}

#[test]
fn numbers_and_dates_are_compared() {
    let heavy = "ds_1.penguins WHERE body_mass_g > 4000";
    check_filter("How many penguins with body_mass_g greater than 4000?", heavy);
    check_filter("How many penguins where body mass is above 4000", heavy);
    check_filter("how many penguins body_mass_g>4000", heavy);
    check_filter("Quantos penguins com body_mass_g maior que 4000?", heavy);
    check_filter("Quantos penguins com body_mass_g acima de 4000?", heavy);
    check_filter("quantos penguins têm body_mass_g maior do que 4000", heavy);
    let at_least = "ds_1.penguins WHERE bill_length_mm >= 40.5";
    check_filter("How many penguins with bill_length_mm at least 40.5?", at_least);
    check_filter("Quantos penguins com bill_length_mm pelo menos 40,5?", at_least);
    check_filter(
        "Quantos penguins com year menor ou igual a 2008",
        "ds_1.penguins WHERE year <= 2008",
    );
    check_filter("how many rows with temp_min < -5", "ds_1.seattle_weather WHERE temp_min < -5");
    let range = "ds_1.penguins WHERE body_mass_g BETWEEN 3000 AND 4000";
    check_filter("how many penguins with body_mass_g between 3000 and 4000", range);
    check_filter("quantos penguins com body_mass_g entre 3000 e 4000", range);
    check_filter(
        "how many rows where date is after 2012-06-01",
        "ds_1.seattle_weather WHERE date > '2012-06-01'",
    );
    check_filter("quantos penguins com year 2008", "ds_1.penguins WHERE year = 2008");
    check_filter("how many penguins in the year 2008", "ds_1.penguins WHERE year = 2008");
}

#[test]
fn filters_are_joined() {
    let both = "ds_1.penguins WHERE lower(species) = lower('Adelie') \
                AND lower(island) = lower('Dream') AND body_mass_g > 4000";
    check_filter(
        "How many penguins with species Adelie and island Dream and body_mass_g above 4000?",
        both,
    );
    check_filter(
        "Quantos penguins de species Adelie, com island Dream e body_mass_g > 4000?",
        both,
    );
    check(
        "Qual a média de body_mass_g por sex dos penguins cuja species é Adelie e cuja island é Dream?",
        "SELECT sex, round(avg(body_mass_g)::numeric, 2) AS avg FROM ds_1.penguins \
         WHERE lower(species) = lower('Adelie') AND lower(island) = lower('Dream') \
         GROUP BY 1 ORDER BY 1",
    );
}

#[test]
fn the_first_rows_by_a_column_are_listed() {
    let airports = "SELECT * FROM ds_1.airports ORDER BY latitude DESC NULLS LAST, \
                    1, 2, 3, 4, 5, 7 LIMIT 5";
    check("top 5 airports by latitude", airports);
    check("Top 5 airports por latitude", airports);
    check("the 5 largest airports by latitude", airports);
    check("list the top 5 airports by latitude", airports);
    check("5 airports with the highest latitude", airports);
    check("os 5 airports com maior latitude", airports);
    check(
        "bottom 3 airports by latitude where state is TX",
        "SELECT * FROM ds_1.airports WHERE lower(state) = lower('TX') \
         ORDER BY latitude, 1, 2, 3, 4, 5, 7 LIMIT 3",
    );
    let masses =
        "SELECT body_mass_g FROM ds_1.penguins ORDER BY body_mass_g DESC NULLS LAST LIMIT 3";
    check("os 3 maiores body_mass_g", masses);
    check("What are the 3 highest values of body_mass_g?", masses);
    check("top 3 body_mass_g", masses);
    check(
        "Which airport has the highest latitude?",
        "SELECT * FROM ds_1.airports ORDER BY latitude DESC NULLS LAST FETCH FIRST 1 ROW WITH TIES",
    );
    check(
        "What is the name of the airport with the highest latitude?",
        "SELECT name, latitude FROM ds_1.airports ORDER BY latitude DESC NULLS LAST \
         FETCH FIRST 1 ROW WITH TIES",
    );
    check(
        "list the names of the 5 airports with the highest latitude",
        "SELECT name, latitude FROM ds_1.airports ORDER BY latitude DESC NULLS LAST, 1 LIMIT 5",
    );
    check(
        "which species has the lowest body_mass_g",
        "SELECT species, body_mass_g FROM ds_1.penguins ORDER BY body_mass_g FETCH FIRST 1 ROW WITH TIES",
    );
}

#[test]
fn the_first_groups_by_an_aggregate_are_listed() {
    let average = "SELECT species, round(avg(body_mass_g)::numeric, 2) AS avg FROM ds_1.penguins \
                   GROUP BY 1 ORDER BY avg(body_mass_g) DESC NULLS LAST";
    let best = format!("{average} FETCH FIRST 1 ROW WITH TIES");
    check("which species has the highest average body_mass_g?", &best);
    check("Qual species tem a maior média de body_mass_g?", &best);
    check("Qual é a species com a maior média de body_mass_g?", &best);
    check("top 2 species by average body_mass_g", &format!("{average}, 1 LIMIT 2"));
    let count = "SELECT state, count(*) FROM ds_1.airports GROUP BY 1 ORDER BY 2 DESC NULLS LAST";
    let best = format!("{count} FETCH FIRST 1 ROW WITH TIES");
    check("Which state has the most airports?", &best);
    check("qual state tem mais airports", &best);
    check("qual state tem o maior número de airports", &best);
    check("top 3 states by number of airports", &format!("{count}, 1 LIMIT 3"));
}

#[test]
fn rows_are_listed() {
    check("list penguins", "SELECT * FROM ds_1.penguins LIMIT 100");
    check("Show me the 10 penguins", "SELECT * FROM ds_1.penguins LIMIT 10");
    check("Liste 10 registros de penguins", "SELECT * FROM ds_1.penguins LIMIT 10");
    check("mostre todos os airports", "SELECT * FROM ds_1.airports LIMIT 100");
    check("select all penguins", "SELECT * FROM ds_1.penguins LIMIT 100");
    check(
        "list species and island of penguins",
        "SELECT species, island FROM ds_1.penguins LIMIT 100",
    );
    check(
        "list name, city of airports with state TX",
        "SELECT name, city FROM ds_1.airports WHERE lower(state) = lower('TX') LIMIT 100",
    );
    check(
        "Which airports are in state TX?",
        "SELECT * FROM ds_1.airports WHERE lower(state) = lower('TX') LIMIT 100",
    );
    check(
        "list penguins sorted by body_mass_g descending",
        "SELECT * FROM ds_1.penguins ORDER BY body_mass_g DESC NULLS LAST, 1, 2, 3, 4, 5, 7, 8 \
         LIMIT 100",
    );
}

#[test]
fn values_are_listed_once_if_that_is_what_is_asked() {
    let sql = "SELECT DISTINCT species FROM ds_1.penguins ORDER BY 1 LIMIT 100";
    check("Which species are there?", sql);
    check("Quais species existem?", sql);
    check("list the different species", sql);
}

#[test]
fn a_single_table_needs_no_name() {
    let sales = schema("sales id:bigint total:numeric order:text active:boolean sold_at:timestamp");
    check_on(&sales, "How many records are there?", "SELECT count(*) FROM ds_1.sales");
    check_on(&sales, "what is the total total?", "SELECT sum(total) FROM ds_1.sales");
    check_on(
        &sales,
        "how many rows where active is true and sold at before 2024-01-01 and order = x",
        "SELECT count(*) FROM ds_1.sales WHERE active = true AND sold_at::date < '2024-01-01' \
         AND lower(\"order\") = lower('x')",
    );
    check_on(
        &sales,
        "sum of total by month",
        "SELECT to_char(sold_at, 'YYYY-MM') AS month, sum(total) FROM ds_1.sales \
         GROUP BY 1 ORDER BY 1",
    );
}
