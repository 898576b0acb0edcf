//! Text as people search for it.

/// Whether a text contains another. Upper and lower case are the same: whoever searches does not know how it was written.
pub fn has_text(text: &str, part: &str) -> bool {
    if !part.is_ascii() {
        return text.to_lowercase().contains(&part.to_lowercase());
    }
    let part = part.as_bytes();
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter() {
        for (text, part) in
            [("POST /Orders", "post /orders"), ("orders", "ORD"), ("Zürich", "ZÜR"), ("a", ""), ("", ""), ("é", "É")]
        {
            assert!(has_text(text, part), "{text} {part}");
        }
        for (text, part) in [("orders", "order "), ("", "a"), ("ord", "orders"), ("Zurich", "zür"), ("é", "e")] {
            assert!(!has_text(text, part), "{text} {part}");
        }
    }
}
