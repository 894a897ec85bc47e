//! The clients of the Microsoft cloud: Entra, Business Central, Graph and the Bot Connector.
//!
//! Every request leaves through [`Sender::send`], which alone adds tokens and ids, obeys deadlines and decides
//! what a failure means. A client turns answers into plain values; it never decides whether to try again.
//! This crate knows neither the queue nor the configuration: it takes plain structs and is handed its clock.

mod advice;
mod business_central;
mod cloud;
mod entra;
mod graph;
mod http;
mod odata;
mod service;
mod teams;

pub use crate::business_central::{
    BusinessCentral, BusinessCentralOptions, Company, CompanyKey, company_by_id, company_by_name,
    entities::Entities,
    entity::{Api, Dimensions, EntitySet, Lines, Page},
    listing::Listing,
    people::{Contact, Salesperson},
    record::RecordKey,
    subscriptions::{NewSubscription, Renewal, STANDARD_API, Subscription, Subscriptions},
    together::{AskedFor, RecordKeys},
};
pub use crate::cloud::{Cloud, CloudHosts, UnknownCloud};
pub use crate::entra::{
    ClientSecret, EntraOptions, Token, TokenSource, claims::TokenClaims, error::EntraError,
};
pub use crate::graph::{
    Channel, Graph, GraphOptions, Team,
    message::{Message, Messages},
};
pub use crate::http::{
    Sender,
    answer::Answer,
    call::{Call, Credential},
    client::{SenderError, SenderOptions},
    errand::{Deadline, Errand},
    error::Error,
    exchange::{Defect, Exchange},
    gatekeeper::{Asked, Gatekeeper, Place, Refusal},
    outage::Outage,
};
pub use crate::odata::{Intent, blanks::is_blank, names::decode_name, names::encode_name};
pub use crate::teams::{
    Target, TargetResolver,
    bot::{Bot, BotOptions, Receipt},
    look_back::look_back,
};
