//! Keyset pagination.

/// One page of a list, and where the next one starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, K> {
    pub items: Vec<T>,
    /// The key of the last item, if there are more after it.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// Builds a page from one row more than was asked for: the extra row only
    /// tells that another page exists.
    pub(crate) fn from_overfetch(mut rows: Vec<T>, limit: u64, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = limit < rows.len();
        rows.truncate(limit);
        let next = if has_more { rows.last().map(key) } else { None };
        Self { items: rows, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &[i64], limit: u64, items: &[i64], next: Option<i64>) {
        let page = Page::from_overfetch(rows.to_vec(), limit, |row| *row);
        assert_eq!(page, Page { items: items.to_vec(), next });
    }

    #[test]
    fn a_page_has_a_successor_only_if_a_row_was_left_over() {
        check(&[1, 2, 3], 2, &[1, 2], Some(2));
        check(&[1, 2], 2, &[1, 2], None);
        check(&[], 2, &[], None);
    }
}
