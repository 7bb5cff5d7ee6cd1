//! A page of samples in Prometheus' text format, written family by family.

use prometheus::TextEncoder;
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};

use crate::metrics::families::Family;

/// A page of samples.
#[derive(Default)]
pub(in crate::metrics) struct Sheet {
    text: String,
}

impl Sheet {
    /// Writes a gauge family: label values, in the order of its labels, and the value of each
    /// series. Nothing where there are no series.
    pub(in crate::metrics) fn set<'a, const N: usize>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = ([&'a str; N], f64)>,
    ) {
        let metrics: Vec<Metric> =
            samples.into_iter().map(|(values, value)| sample(family, values, value)).collect();
        if metrics.is_empty() {
            return;
        }
        let mut written = MetricFamily::default();
        written.set_name(family.name.to_owned());
        written.set_help(family.help.to_owned());
        written.set_field_type(MetricType::GAUGE);
        written.set_metric(metrics);
        self.add(&[written]);
    }

    /// Writes families that were gathered elsewhere.
    pub(in crate::metrics) fn add(&mut self, families: &[MetricFamily]) {
        TextEncoder::new().encode_utf8(families, &mut self.text).expect("a String takes every write");
    }

    /// The whole text.
    pub(in crate::metrics) fn into_text(self) -> String {
        self.text
    }
}

fn sample<const N: usize>(family: &Family, values: [&str; N], value: f64) -> Metric {
    assert_eq!(family.labels.len(), N, "{} has {} labels", family.name, family.labels.len());
    let labels = family
        .labels
        .iter()
        .zip(values)
        .map(|(name, value)| {
            let mut label = LabelPair::default();
            label.set_name((*name).to_owned());
            label.set_value(value.to_owned());
            label
        })
        .collect();
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = Metric::from_gauge(gauge);
    metric.set_label(labels);
    metric
}
