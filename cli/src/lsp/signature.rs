//! Signature help: the arguments of the function or the aggregator that is being written.

use gen_lsp_types::{
    ActiveParameter, Documentation, MarkupContent, MarkupKind, ParameterInformation, ParameterInformationLabel,
    Position, SignatureHelp, SignatureInformation,
};
use promql_presets_compiler::promql::Function;

use super::cursor;
use super::toml::Outline;
use super::workspace::View;
use crate::functions;

pub(super) fn help(view: &View<'_>, position: Position) -> Option<SignatureHelp> {
    let offset = view.offset(position);
    let outline = Outline::of(&view.source.text);
    let value = outline.string_at(offset).filter(|value| value.is_template(view.source.kind()))?;
    let literal = value.literal(&view.source.text)?;
    let before = &literal.text[..literal.text.floor_char_boundary(literal.offset(offset) as usize)];
    let call = cursor::call(before)?;
    let label = match Function::find(call.name) {
        Some(function) => functions::signature(function),
        None => functions::aggregator_signature(functions::aggregator(call.name)?),
    };
    // A signature ends in `(arguments) : type`, in ASCII.
    let start = label.rfind('(')? + 1;
    let mut at = start;
    let arguments: Vec<ParameterInformation> = label[start..label.rfind(')')?]
        .split(", ")
        .filter(|argument| !argument.is_empty())
        .filter_map(|argument| {
            let span = (u32::try_from(at).ok()?, u32::try_from(at + argument.len()).ok()?);
            at += argument.len() + ", ".len();
            Some(ParameterInformation { label: ParameterInformationLabel::Tuple(span), documentation: None })
        })
        .collect();
    // The last one may be `...`.
    let active = u32::try_from(call.argument.min(arguments.len().saturating_sub(1))).ok()?;
    let about = functions::documentation(call.name).map(str::to_owned);
    let markup = |value| Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value });
    let signature = SignatureInformation {
        label,
        documentation: about.map(markup),
        parameters: Some(arguments),
        active_parameter: Some(ActiveParameter::Int(active)),
    };
    Some(SignatureHelp { signatures: vec![signature], active_signature: Some(0), active_parameter: None })
}
