//! The reader of the configuration, asked what it thinks of a changed setting in an otherwise complete file.

use toml::{Table, Value};

use crate::{
    Config, Environment, Problem,
    error::{is_missing, words},
};

/// A text that is near to no word.
const NO_WORD: &str = "0000000000000000000000000000000000000000";

/// Asks with a file in which every setting is there, and nothing is wrong.
pub(super) struct Reader {
    complete: Table,
}

impl Reader {
    pub(super) fn new(complete: Table) -> Self {
        Self { complete }
    }

    /// Whether `value` is refused at `path`.
    pub(super) fn refuses(&self, path: &[&str], value: Value) -> bool {
        !self.problems(path, Some(value)).is_empty()
    }

    /// Whether the setting at `path` is missed when it is not there.
    pub(super) fn misses(&self, path: &[&str]) -> bool {
        let key = path.join(".");
        let problems = self.problems(path, None);
        problems.iter().any(|it| it.key == key && is_missing(it))
    }

    /// The words that the setting at `path` can be, if it is one of some.
    pub(super) fn words(&self, path: &[&str]) -> Option<Vec<String>> {
        let problems = self.problems(path, Some(NO_WORD.into()));
        problems.iter().find_map(words)
    }

    fn problems(&self, path: &[&str], value: Option<Value>) -> Vec<Problem> {
        let mut file = self.complete.clone();
        change(&mut file, path, value);
        let text = toml::to_string(&file).expect("what was read as TOML can be written as TOML");
        match Config::from_toml(&text, &Environment::default()) {
            Ok(_) => Vec::new(),
            Err(error) => error.problems().to_vec(),
        }
    }
}

/// Sets what is at `path` to `value`, or takes it away. A number in a path is a place in a list.
fn change(file: &mut Table, path: &[&str], value: Option<Value>) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    match (rest, value) {
        ([], Some(value)) => {
            file.insert((*first).to_owned(), value);
        }
        ([], None) => {
            file.remove(*first);
        }
        (rest, value) => match file.get_mut(*first) {
            Some(Value::Table(below)) => change(below, rest, value),
            Some(Value::Array(items)) => change_item(items, rest, value),
            _ => {}
        },
    }
}

fn change_item(items: &mut Vec<Value>, path: &[&str], value: Option<Value>) {
    match (path, value) {
        // One item is enough to see what it may be.
        ([_], value) => *items = value.into_iter().collect(),
        ([_, below @ ..], value) => {
            if let Some(Value::Table(first)) = items.first_mut() {
                change(first, below, value);
            }
        }
        ([], _) => {}
    }
}
