//! A certificate authority that nobody else has heard of.

use std::{fmt, fs, path::Path};

use jiff::{SignedDuration, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use signalbox_core::{Clock as _, SystemClock};

/// An authority for one test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key, both in PEM.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl Authority {
    /// A new authority of this name.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("keys can be made");
        let own = params.self_signed(&key).expect("it signs itself");
        Self {
            pem: own.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// The authority's own certificate, for those who shall trust it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for `names` that ends at the beginning of the day in `days` days.
    pub fn issue(&self, names: &[&str], days: i64) -> Issued {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names of hosts");
        let ends = SystemClock.now() + SignedDuration::from_hours(days * 24);
        let ends = TimeZone::UTC.to_datetime(ends).date();
        let month = u8::try_from(ends.month()).unwrap_or(1);
        let day = u8::try_from(ends.day()).unwrap_or(1);
        params.not_after = rcgen::date_time_ymd(ends.year().into(), month, day);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("keys can be made");
        let signed = params.signed_by(&key, &self.issuer);
        Issued {
            certificate: signed.expect("it signs").pem(),
            key: key.serialize_pem(),
        }
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(…)")
    }
}

impl Issued {
    /// Writes `cert.pem` and `key.pem` into `folder`.
    pub fn write(&self, folder: &Path) {
        fs::write(folder.join("cert.pem"), &self.certificate)
            .expect("the folder can be written to");
        fs::write(folder.join("key.pem"), &self.key).expect("the folder can be written to");
    }
}
