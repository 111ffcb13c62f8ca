//! Words as they are compared.

/// Takes case and the accents of Portuguese away.
pub(crate) fn fold(text: &str) -> String {
    let is_combining = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    text.chars().flat_map(char::to_lowercase).filter(|c| !is_combining(c)).map(fold_char).collect()
}

fn fold_char(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        c => c,
    }
}
