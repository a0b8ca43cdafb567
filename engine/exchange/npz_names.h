// The names of a block's arrays in an .npz: the paper's, as docs/npz.md lists them.
#pragma once

#include <array>
#include <string_view>

namespace blockcert::exchange {

struct WeightName {
    std::string_view array; // "W_q"
    std::string_view role;  // "q.weight"
};

inline constexpr std::array<WeightName, 18> weightNames = {{{"W_q", "q.weight"},
                                                            {"b_q", "q.bias"},
                                                            {"W_k", "k.weight"},
                                                            {"b_k", "k.bias"},
                                                            {"W_v", "v.weight"},
                                                            {"b_v", "v.bias"},
                                                            {"W_o", "o.weight"},
                                                            {"b_o", "o.bias"},
                                                            {"W_1", "up.weight"},
                                                            {"b_1", "up.bias"},
                                                            {"W_2", "down.weight"},
                                                            {"b_2", "down.bias"},
                                                            {"W_gate", "gate.weight"},
                                                            {"b_gate", "gate.bias"},
                                                            {"norm_1", "attn_norm.weight"},
                                                            {"norm_1_bias", "attn_norm.bias"},
                                                            {"norm_2", "mlp_norm.weight"},
                                                            {"norm_2_bias", "mlp_norm.bias"}}};

}
