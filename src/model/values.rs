//! The values that an environment supplies to templates: texts in maps and lists.
//!
//! Takes trees from environment files and settings, gives one tree. Scalars keep the text they were
//! written with; what they mean is up to the expression that uses them.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A tree of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// A scalar, as it was written.
    Text(Arc<str>),
    /// Values in order.
    List(Vec<Values>),
    /// Values by name.
    Map(BTreeMap<Arc<str>, Values>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Map(BTreeMap::new())
    }
}

impl Values {
    /// Lays another tree over this one: maps merge deeply, lists and texts are replaced.
    pub fn lay_over(&mut self, upper: Self) {
        match (self, upper) {
            (Self::Map(lower), Self::Map(upper)) => {
                for (key, value) in upper {
                    match lower.get_mut(&key) {
                        Some(below) => below.lay_over(value),
                        None => {
                            lower.insert(key, value);
                        }
                    }
                }
            }
            (lower, upper) => *lower = upper,
        }
    }

    /// Puts a text at a path of names (`postgres.host`), making maps on the way.
    pub fn set(&mut self, path: &str, text: &str) {
        let leaf = Self::Text(text.into());
        let tree = path.rsplit('.').fold(leaf, |tree, name| Self::Map(BTreeMap::from([(name.into(), tree)])));
        self.lay_over(tree);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_merge_deeply_and_the_rest_is_replaced() {
        let mut values = Values::default();
        values.set("postgres.host", "a");
        values.set("postgres.port", "5432");
        let mut upper = Values::default();
        upper.set("postgres.host", "b");
        values.lay_over(upper);

        let mut expected = Values::default();
        expected.set("postgres.port", "5432");
        expected.set("postgres.host", "b");
        assert_eq!(values, expected);

        let Values::Map(map) = &mut values else { panic!("a map") };
        map.insert("list".into(), Values::List(vec![Values::Text("1".into()), Values::Text("2".into())]));
        values.lay_over(Values::Map(BTreeMap::from([("list".into(), Values::List(vec![]))])));
        let Values::Map(map) = &values else { panic!("a map") };
        assert_eq!(map["list"], Values::List(vec![]));
    }
}
