//! The environments of the tenant, and how one answers while it is serviced.

use serde::{Deserialize, Serialize};

use super::{CompanySpec, SimConfig};

/// What an environment is for; its name says nothing about it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentKind {
    /// Business runs here.
    #[default]
    Production,
    /// For trying things out; often a copy.
    Sandbox,
}

impl EnvironmentKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "Production",
            Self::Sandbox => "Sandbox",
        }
    }
}

/// A Business Central environment.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Name, as in its URLs.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub kind: EnvironmentKind,
    /// Its companies.
    #[serde(default)]
    pub companies: Vec<CompanySpec>,
}

/// How an environment refuses while it is serviced.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaintenanceAnswer {
    /// 503 with a `Retry-After` that names the end.
    #[default]
    RetryAfter,
    /// 503 `Internal_TenantUnavailable`, which names no end.
    TenantUnavailable,
}

impl SimConfig {
    /// Every environment, the one that `environment` and `companies` describe first. One of
    /// the same name in `environments` describes it instead.
    pub(crate) fn tenancy(&self) -> Vec<EnvironmentSpec> {
        let (first, others): (Vec<_>, Vec<_>) = self
            .environments
            .iter()
            .cloned()
            .partition(|spec| spec.name == self.environment);
        let first = first.into_iter().next().unwrap_or_else(|| EnvironmentSpec {
            name: self.environment.clone(),
            kind: EnvironmentKind::Production,
            companies: self.companies.clone(),
        });
        std::iter::once(first).chain(others).collect()
    }
}
