//! The text that Prometheus reads (exposition format 0.0.4).

use std::fmt::Write as _;

use super::family::Family;

/// What is written so far.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// Begins with what was written elsewhere.
    pub(super) fn after(written: String) -> Self {
        Self(written)
    }

    /// Names a metric unless it was named before. One that is named without samples is known, and has none now.
    pub(super) fn head(&mut self, family: &Family) {
        let (name, kind) = (family.name, family.kind.as_str());
        let kind = format!("# TYPE {name} {kind}\n");
        if !self.0.contains(&kind) {
            write!(self.0, "# HELP {name} {}\n{kind}", family.help).ok();
        }
    }

    /// Adds one sample under the head of `family`.
    pub(super) fn sample(&mut self, family: &Family, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        writeln!(self.0, "{}{labels} {value}", family.name).ok();
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::Text;
    use crate::metrics::family::DEAD_JOBS;

    #[test]
    fn a_label_may_hold_any_text() {
        let mut text = Text::default();
        text.sample(&DEAD_JOBS, &[("queue", "a\"b\\c\nd")], 1.5);
        assert_eq!(
            text.into_string(),
            "signalbox_dead_jobs{queue=\"a\\\"b\\\\c\\nd\"} 1.5\n"
        );
    }

    #[test]
    fn a_metric_is_named_once() {
        let mut text = Text::default();
        text.head(&DEAD_JOBS);
        let named = text.0.clone();
        text.head(&DEAD_JOBS);
        assert_eq!(text.into_string(), named);
    }
}
