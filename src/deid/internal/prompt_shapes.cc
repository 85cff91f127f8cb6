// As the providers' published references say of 2026-11: OpenAI "Chat", "Responses", "Embeddings"; Anthropic "Messages".
#include "deid/internal/prompt_shapes.h"

namespace licet::deid::internal {
namespace {

constexpr std::string_view kKept = "names something that the provider keeps, and what is kept there can't be governed";
constexpr std::string_view kElsewhere = "makes the provider send on what it got, to where no record follows";
constexpr std::string_view kLater = "makes the provider work on it after the exchange has ended";
constexpr std::string_view kTools = "is of a kind that the gate doesn't know, or that the provider runs itself and may send on";
constexpr std::string_view kParts = "is of a kind that the gate doesn't know";

// ---- OpenAI -----------------------------------------------------------------------------------------------------------------------------

constexpr PromptField kNameFields[] = {{"name", Is::name}};
constexpr PromptShape kName{kNameFields};

constexpr PromptField kImageFields[] = {{"url", Is::media}, {"detail", Is::word}};
constexpr PromptShape kImage{kImageFields};
constexpr PromptField kAudioFields[] = {{"data", Is::media}, {"format", Is::word}};
constexpr PromptShape kAudio{kAudioFields};
constexpr PromptField kFileFields[] = {{"file_data", Is::media}, {"filename", Is::text}, {"file_id", Is::never, nullptr, kKept}};
constexpr PromptShape kFile{kFileFields};

constexpr PromptField kTextPartFields[] = {{"type", Is::word}, {"text", Is::text}};
constexpr PromptShape kTextPart{kTextPartFields};
constexpr PromptField kRefusalPartFields[] = {{"type", Is::word}, {"refusal", Is::text}};
constexpr PromptShape kRefusalPart{kRefusalPartFields};
constexpr PromptField kImagePartFields[] = {{"type", Is::word}, {"image_url", Is::object, &kImage}};
constexpr PromptShape kImagePart{kImagePartFields};
constexpr PromptField kAudioPartFields[] = {{"type", Is::word}, {"input_audio", Is::object, &kAudio}};
constexpr PromptShape kAudioPart{kAudioPartFields};
constexpr PromptField kFilePartFields[] = {{"type", Is::word}, {"file", Is::object, &kFile}};
constexpr PromptShape kFilePart{kFilePartFields};
constexpr PromptVariant kChatPartVariants[] = {
    {"text", &kTextPart}, {"refusal", &kRefusalPart}, {"image_url", &kImagePart}, {"input_audio", &kAudioPart}, {"file", &kFilePart}};
constexpr PromptShape kChatPart{{}, "type", kChatPartVariants, {}, kParts};

constexpr PromptField kCalledFields[] = {{"name", Is::name}, {"arguments", Is::json}};
constexpr PromptShape kCalled{kCalledFields};
constexpr PromptField kCalledTextFields[] = {{"name", Is::name}, {"input", Is::text}};
constexpr PromptShape kCalledText{kCalledTextFields};
constexpr PromptField kCallFields[] = {{"id", Is::handle},
                                       {"type", Is::word},
                                       {"index", Is::number},
                                       {"function", Is::object, &kCalled},
                                       {"custom", Is::object, &kCalledText}};
constexpr PromptShape kCall{kCallFields};

constexpr PromptField kSaidFields[] = {{"role", Is::word},
                                       {"content", Is::content, &kChatPart},
                                       {"name", Is::label},
                                       {"refusal", Is::text},
                                       {"reasoning_content", Is::text},
                                       {"annotations", Is::free},
                                       {"tool_calls", Is::list, &kCall},
                                       {"function_call", Is::object, &kCalled},
                                       {"audio", Is::never, nullptr, kKept}};
constexpr PromptShape kSaid{kSaidFields};
constexpr PromptField kToolSaidFields[] = {
    {"role", Is::word}, {"content", Is::content, &kChatPart}, {"name", Is::name}, {"tool_call_id", Is::handle}};
constexpr PromptShape kToolSaid{kToolSaidFields};
constexpr PromptVariant kChatMessageVariants[] = {{"system", &kSaid},    {"developer", &kSaid}, {"user", &kSaid},
                                                  {"assistant", &kSaid}, {"tool", &kToolSaid},  {"function", &kToolSaid}};
constexpr PromptShape kChatMessage{{}, "role", kChatMessageVariants, {}, "has a role that the gate doesn't know"};

constexpr PromptField kFunctionFields[] = {{"name", Is::name}, {"description", Is::text}, {"parameters", Is::schema}, {"strict", Is::flag}};
constexpr PromptShape kFunction{kFunctionFields};
constexpr PromptField kGrammarFields[] = {{"syntax", Is::word}, {"definition", Is::text}};
constexpr PromptShape kGrammar{kGrammarFields};
constexpr PromptField kCustomFormatFields[] = {
    {"type", Is::word}, {"grammar", Is::object, &kGrammar}, {"syntax", Is::word}, {"definition", Is::text}};
constexpr PromptShape kCustomFormat{kCustomFormatFields};
constexpr PromptField kCustomFields[] = {{"name", Is::name}, {"description", Is::text}, {"format", Is::object, &kCustomFormat}};
constexpr PromptShape kCustom{kCustomFields};
constexpr PromptField kChatFunctionToolFields[] = {{"type", Is::word}, {"function", Is::object, &kFunction}};
constexpr PromptShape kChatFunctionTool{kChatFunctionToolFields};
constexpr PromptField kChatCustomToolFields[] = {{"type", Is::word}, {"custom", Is::object, &kCustom}};
constexpr PromptShape kChatCustomTool{kChatCustomToolFields};
constexpr PromptVariant kChatToolVariants[] = {{"function", &kChatFunctionTool}, {"custom", &kChatCustomTool}};
constexpr PromptShape kChatTool{{}, "type", kChatToolVariants, {}, kTools};

constexpr PromptField kPickedToolFields[] = {
    {"type", Is::word}, {"name", Is::name}, {"function", Is::object, &kName}, {"custom", Is::object, &kName}};
constexpr PromptShape kPickedTool{kPickedToolFields};
constexpr PromptField kAllowedFields[] = {{"mode", Is::word}, {"tools", Is::list, &kPickedTool}};
constexpr PromptShape kAllowed{kAllowedFields};
constexpr PromptField kToolChoiceFields[] = {{"type", Is::word},
                                             {"name", Is::name},
                                             {"mode", Is::word},
                                             {"tools", Is::list, &kPickedTool},
                                             {"function", Is::object, &kName},
                                             {"custom", Is::object, &kName},
                                             {"allowed_tools", Is::object, &kAllowed}};
constexpr PromptShape kToolChoice{kToolChoiceFields};

constexpr PromptField kJsonSchemaFields[] = {{"name", Is::name}, {"description", Is::text}, {"strict", Is::flag}, {"schema", Is::schema}};
constexpr PromptShape kJsonSchema{kJsonSchemaFields};
constexpr PromptField kFormatFields[] = {{"type", Is::word},   {"json_schema", Is::object, &kJsonSchema},
                                         {"name", Is::name},   {"description", Is::text},
                                         {"strict", Is::flag}, {"schema", Is::schema}};
constexpr PromptShape kFormat{kFormatFields};
constexpr PromptField kPredictionFields[] = {{"type", Is::word}, {"content", Is::content, &kChatPart}};
constexpr PromptShape kPrediction{kPredictionFields};
constexpr PromptField kStreamOptionFields[] = {{"include_usage", Is::flag}, {"include_obfuscation", Is::flag}};
constexpr PromptShape kStreamOptions{kStreamOptionFields};

constexpr PromptField kChatFields[] = {
    {"model", Is::model},
    {"messages", Is::list, &kChatMessage},
    {"stream", Is::flag},
    {"stream_options", Is::object, &kStreamOptions},
    {"temperature", Is::number},
    {"top_p", Is::number},
    {"top_k", Is::number},
    {"min_p", Is::number},
    {"n", Is::number},
    {"seed", Is::number},
    {"max_tokens", Is::number},
    {"max_completion_tokens", Is::number},
    {"presence_penalty", Is::number},
    {"frequency_penalty", Is::number},
    {"repetition_penalty", Is::number},
    {"logit_bias", Is::bias},
    {"logprobs", Is::logprobs},
    {"top_logprobs", Is::logprobs},
    {"stop", Is::texts},
    {"tools", Is::list, &kChatTool},
    {"tool_choice", Is::choice, &kToolChoice},
    {"parallel_tool_calls", Is::flag},
    {"functions", Is::list, &kFunction},
    {"function_call", Is::choice, &kName},
    {"response_format", Is::object, &kFormat},
    {"prediction", Is::object, &kPrediction},
    {"reasoning_effort", Is::word},
    {"verbosity", Is::word},
    {"service_tier", Is::word},
    {"modalities", Is::words},
    {"audio", Is::opaque},
    {"user", Is::label},
    {"safety_identifier", Is::label},
    {"prompt_cache_key", Is::label},
    {"prompt_cache_retention", Is::never, nullptr, kKept},
    {"metadata", Is::free},
    {"store", Is::store},
    {"web_search_options", Is::never, nullptr, kElsewhere},
};

constexpr PromptField kEmbeddingFields[] = {{"model", Is::model},       {"input", Is::texts}, {"encoding_format", Is::word},
                                            {"dimensions", Is::number}, {"user", Is::label},  {"input_type", Is::word}};

constexpr PromptField kInputImageFields[] = {
    {"type", Is::word}, {"image_url", Is::media}, {"detail", Is::word}, {"file_id", Is::never, nullptr, kKept}};
constexpr PromptShape kInputImage{kInputImageFields};
constexpr PromptField kInputFileFields[] = {{"type", Is::word},
                                            {"file_data", Is::media},
                                            {"filename", Is::text},
                                            {"file_id", Is::never, nullptr, kKept},
                                            {"file_url", Is::never, nullptr, "makes the provider fetch it from elsewhere"}};
constexpr PromptShape kInputFile{kInputFileFields};
constexpr PromptField kOutputTextFields[] = {{"type", Is::word}, {"text", Is::text}, {"annotations", Is::free}, {"logprobs", Is::free}};
constexpr PromptShape kOutputText{kOutputTextFields};
constexpr PromptVariant kResponsePartVariants[] = {
    {"input_text", &kTextPart},   {"output_text", &kOutputText}, {"text", &kTextPart},
    {"refusal", &kRefusalPart},   {"input_image", &kInputImage}, {"input_file", &kInputFile},
    {"summary_text", &kTextPart}, {"input_audio", &kAudioPart},  {"reasoning_text", &kTextPart}};
constexpr PromptShape kResponsePart{{}, "type", kResponsePartVariants, {}, kParts};

constexpr PromptField kItemMessageFields[] = {{"type", Is::word}, {"role", Is::word},   {"content", Is::content, &kResponsePart},
                                              {"id", Is::handle}, {"status", Is::word}, {"phase", Is::word}};
constexpr PromptShape kItemMessage{kItemMessageFields};
constexpr PromptField kItemCallFields[] = {{"type", Is::word}, {"id", Is::handle},      {"call_id", Is::handle},
                                           {"name", Is::name}, {"arguments", Is::json}, {"status", Is::word}};
constexpr PromptShape kItemCall{kItemCallFields};
constexpr PromptField kItemCustomFields[] = {{"type", Is::word}, {"id", Is::handle},  {"call_id", Is::handle},
                                             {"name", Is::name}, {"input", Is::text}, {"status", Is::word}};
constexpr PromptShape kItemCustom{kItemCustomFields};
constexpr PromptField kItemOutputFields[] = {
    {"type", Is::word}, {"id", Is::handle}, {"call_id", Is::handle}, {"output", Is::content, &kResponsePart}, {"status", Is::word}};
constexpr PromptShape kItemOutput{kItemOutputFields};
constexpr PromptField kItemReasoningFields[] = {{"type", Is::word},
                                                {"id", Is::handle},
                                                {"summary", Is::list, &kResponsePart},
                                                {"content", Is::content, &kResponsePart},
                                                {"encrypted_content", Is::opaque},
                                                {"status", Is::word}};
constexpr PromptShape kItemReasoning{kItemReasoningFields};
constexpr PromptVariant kItemVariants[] = {{"message", &kItemMessage},
                                           {"function_call", &kItemCall},
                                           {"function_call_output", &kItemOutput},
                                           {"custom_tool_call", &kItemCustom},
                                           {"custom_tool_call_output", &kItemOutput},
                                           {"reasoning", &kItemReasoning}};
constexpr PromptShape kItem{
    {}, "type", kItemVariants, "message", "is of a kind that the gate doesn't know, or names what the provider keeps"};

constexpr PromptField kResponseFunctionFields[] = {
    {"type", Is::word}, {"name", Is::name}, {"description", Is::text}, {"parameters", Is::schema}, {"strict", Is::flag}};
constexpr PromptShape kResponseFunction{kResponseFunctionFields};
constexpr PromptField kResponseCustomFields[] = {
    {"type", Is::word}, {"name", Is::name}, {"description", Is::text}, {"format", Is::object, &kCustomFormat}};
constexpr PromptShape kResponseCustom{kResponseCustomFields};
constexpr PromptVariant kResponseToolVariants[] = {{"function", &kResponseFunction}, {"custom", &kResponseCustom}};
constexpr PromptShape kResponseTool{{}, "type", kResponseToolVariants, {}, kTools};
constexpr PromptField kResponseTextFields[] = {{"format", Is::object, &kFormat}, {"verbosity", Is::word}};
constexpr PromptShape kResponseText{kResponseTextFields};
constexpr PromptField kReasoningFields[] = {{"effort", Is::word}, {"summary", Is::word}, {"generate_summary", Is::word}};
constexpr PromptShape kReasoning{kReasoningFields};

constexpr PromptField kResponseFields[] = {
    {"model", Is::model},
    {"input", Is::content, &kItem},
    {"instructions", Is::text},
    {"stream", Is::flag},
    {"stream_options", Is::object, &kStreamOptions},
    {"temperature", Is::number},
    {"top_p", Is::number},
    {"max_output_tokens", Is::number},
    {"max_tool_calls", Is::number},
    {"top_logprobs", Is::logprobs},
    {"tools", Is::list, &kResponseTool},
    {"tool_choice", Is::choice, &kToolChoice},
    {"parallel_tool_calls", Is::flag},
    {"text", Is::object, &kResponseText},
    {"reasoning", Is::object, &kReasoning},
    {"truncation", Is::word},
    {"service_tier", Is::word},
    {"include", Is::words},
    {"user", Is::label},
    {"safety_identifier", Is::label},
    {"prompt_cache_key", Is::label},
    {"metadata", Is::free},
    {"store", Is::store, nullptr, "said"},
    {"previous_response_id", Is::never, nullptr, kKept},
    {"conversation", Is::never, nullptr, kKept},
    {"prompt", Is::never, nullptr, kKept},
    {"prompt_cache_retention", Is::never, nullptr, kKept},
    {"background", Is::never, nullptr, kLater},
};

// ---- Anthropic --------------------------------------------------------------------------------------------------------------------------

extern const PromptShape kBlock;

constexpr PromptField kCacheFields[] = {{"type", Is::word}, {"ttl", Is::word}};
constexpr PromptShape kCache{kCacheFields};
constexpr PromptField kTextBlockFields[] = {
    {"type", Is::word}, {"text", Is::text}, {"cache_control", Is::object, &kCache}, {"citations", Is::free}};
constexpr PromptShape kTextBlock{kTextBlockFields};
constexpr PromptField kBytesFields[] = {{"type", Is::word}, {"media_type", Is::word}, {"data", Is::media}};
constexpr PromptShape kBytes{kBytesFields};
constexpr PromptField kPlainSourceFields[] = {{"type", Is::word}, {"media_type", Is::word}, {"data", Is::text}};
constexpr PromptShape kPlainSource{kPlainSourceFields};
constexpr PromptField kContentSourceFields[] = {{"type", Is::word}, {"content", Is::content, &kBlock}};
constexpr PromptShape kContentSource{kContentSourceFields};
constexpr PromptVariant kSourceVariants[] = {{"base64", &kBytes}, {"text", &kPlainSource}, {"content", &kContentSource}};
constexpr PromptShape kSource{
    {}, "type", kSourceVariants, {}, "is no data in the request itself: what is kept or fetched elsewhere can't be governed"};
constexpr PromptField kImageBlockFields[] = {{"type", Is::word}, {"source", Is::object, &kSource}, {"cache_control", Is::object, &kCache}};
constexpr PromptShape kImageBlock{kImageBlockFields};
constexpr PromptField kEnabledFields[] = {{"enabled", Is::flag}};
constexpr PromptShape kEnabled{kEnabledFields};
constexpr PromptField kDocumentFields[] = {
    {"type", Is::word},    {"source", Is::object, &kSource},     {"title", Is::text},
    {"context", Is::text}, {"citations", Is::object, &kEnabled}, {"cache_control", Is::object, &kCache}};
constexpr PromptShape kDocument{kDocumentFields};
constexpr PromptField kSearchResultFields[] = {{"type", Is::word},
                                               {"source", Is::text},
                                               {"title", Is::text},
                                               {"content", Is::content, &kBlock},
                                               {"citations", Is::object, &kEnabled},
                                               {"cache_control", Is::object, &kCache}};
constexpr PromptShape kSearchResult{kSearchResultFields};
constexpr PromptField kToolUseFields[] = {
    {"type", Is::word}, {"id", Is::handle}, {"name", Is::name}, {"input", Is::free}, {"cache_control", Is::object, &kCache}};
constexpr PromptShape kToolUse{kToolUseFields};
constexpr PromptField kToolResultFields[] = {{"type", Is::word},
                                             {"tool_use_id", Is::handle},
                                             {"content", Is::content, &kBlock},
                                             {"is_error", Is::flag},
                                             {"cache_control", Is::object, &kCache}};
constexpr PromptShape kToolResult{kToolResultFields};
// Signed by the provider: with other words in it the signature doesn't hold.
constexpr PromptField kThinkingFields[] = {{"type", Is::word}, {"thinking", Is::opaque}, {"signature", Is::opaque}, {"data", Is::opaque}};
constexpr PromptShape kThinking{kThinkingFields};
constexpr PromptVariant kBlockVariants[] = {
    {"text", &kTextBlock},   {"image", &kImageBlock},       {"document", &kDocument}, {"search_result", &kSearchResult},
    {"tool_use", &kToolUse}, {"tool_result", &kToolResult}, {"thinking", &kThinking}, {"redacted_thinking", &kThinking}};
const PromptShape kBlock{{}, "type", kBlockVariants, {}, kParts};

constexpr PromptField kTurnFields[] = {{"role", Is::word}, {"content", Is::content, &kBlock}};
constexpr PromptShape kTurn{kTurnFields};
constexpr PromptField kToolFields[] = {{"type", Is::word},           {"name", Is::name},   {"description", Is::text},
                                       {"input_schema", Is::schema}, {"strict", Is::flag}, {"cache_control", Is::object, &kCache}};
constexpr PromptShape kTool{kToolFields};
constexpr PromptVariant kToolVariants[] = {{"custom", &kTool}};
constexpr PromptShape kAnyTool{{}, "type", kToolVariants, "custom", kTools};
constexpr PromptField kPickFields[] = {{"type", Is::word}, {"name", Is::name}, {"disable_parallel_tool_use", Is::flag}};
constexpr PromptShape kPick{kPickFields};
constexpr PromptField kThinkFields[] = {{"type", Is::word}, {"budget_tokens", Is::number}, {"display", Is::word}};
constexpr PromptShape kThink{kThinkFields};
constexpr PromptField kMetadataFields[] = {{"user_id", Is::label}};
constexpr PromptShape kMetadata{kMetadataFields};
constexpr PromptField kOutputConfigFields[] = {{"effort", Is::word}, {"format", Is::object, &kFormat}};
constexpr PromptShape kOutputConfig{kOutputConfigFields};

constexpr PromptField kMessagesFields[] = {
    {"model", Is::model},
    {"messages", Is::list, &kTurn},
    {"system", Is::content, &kBlock},
    {"max_tokens", Is::number},
    {"stream", Is::flag},
    {"temperature", Is::number},
    {"top_p", Is::number},
    {"top_k", Is::number},
    {"stop_sequences", Is::texts},
    {"tools", Is::list, &kAnyTool},
    {"tool_choice", Is::object, &kPick},
    {"thinking", Is::object, &kThink},
    {"metadata", Is::object, &kMetadata},
    {"service_tier", Is::word},
    {"inference_geo", Is::word},
    {"output_format", Is::object, &kFormat},
    {"output_config", Is::object, &kOutputConfig},
    {"cache_control", Is::object, &kCache},
    {"container", Is::never, nullptr, kKept},
    {"mcp_servers", Is::never, nullptr, kElsewhere},
};

}  // namespace

const PromptShape kChatCompletions{kChatFields}, kResponses{kResponseFields}, kEmbeddings{kEmbeddingFields}, kMessages{kMessagesFields};

}  // namespace licet::deid::internal
