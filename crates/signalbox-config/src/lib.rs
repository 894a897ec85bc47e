//! Configuration of Signalbox: one commented file of defaults, the user's file over it, the environment over both.
//!
//! `signalbox.default.toml` is the only place where a default exists. One section is one struct in one file,
//! validated into typed values once; after [`Config::load`] nothing about a setting can be wrong any more,
//! except that a secret may be absent, which [`Secret::reveal`] says when it is needed.
//! Sealed secrets are in a file of their own, which the [`Vault`] opens with a master key.
//! What is wrong is told with the key, the value, the reason and the fix ([`Problem`]).

mod base_url;
mod business_central;
mod check;
mod cloud;
mod config;
mod connection;
mod credential;
mod data;
mod entity;
mod environment;
mod error;
mod http;
mod ingress;
mod layers;
mod ledger;
mod mention;
mod observe;
mod otlp_endpoint;
mod private_url;
mod redact;
mod redis;
mod redis_url;
mod route;
mod schema;
mod secret;
mod span;
mod teams;
mod trail;
mod vault;
mod worker;

pub use base_url::{BaseUrl, BaseUrlError};
pub use business_central::{BusinessCentral, Companies, Company, Polling};
pub use cloud::{Cloud, Endpoints};
pub use config::{Config, DEFAULTS};
pub use connection::Connection;
pub use credential::Credential;
pub use data::Data;
pub use entity::{Entity, EntityLines, EntityPath};
pub use environment::Environment;
pub use error::{ConfigError, Problem};
pub use http::Http;
pub use ingress::{Ingress, IngressTls};
pub use ledger::Ledger;
pub use mention::{Mention, MentionError};
pub use observe::{LogFormat, Observe};
pub use otlp_endpoint::{OtlpEndpoint, OtlpEndpointError};
pub use private_url::PrivateUrl;
pub use redis::{Durability, Redis, RedisLocation};
pub use redis_url::RedisUrl;
pub use route::{OnUnknown, Route, RouteSource, RouteTarget};
pub use schema::schema;
pub use secret::{FollowedSecret, Secret, SecretError};
pub use teams::{Teams, Via};
pub use trail::Trail;
pub use vault::{Rotation, SealedSecret, SecretName, SecretNameError, Vault, VaultError};
pub use worker::{Concurrency, Queue, Worker};
