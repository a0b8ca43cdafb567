#include "engine/pipeline/longer_block.h"

#include "engine/artifact/checkpoint.h"
#include "engine/base/error.h"
#include "engine/surrogate/ablation.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace blockcert::pipeline {

namespace {

HostTensor causalMask(std::int64_t size)
{
    HostTensor mask{DType::U8, {size, size}, {}};
    mask.bytes.resize(static_cast<std::size_t>(size * size));
    for (std::int64_t query = 0; query < size; ++query)
        for (std::int64_t key = 0; key <= query; ++key)
            mask.bytes[static_cast<std::size_t>(query * size + key)] = std::byte{1};
    return mask;
}

bool isCornerOf(const HostTensor& mask, const HostTensor& larger)
{
    const std::int64_t size = mask.shape.at(0);
    const std::int64_t all = larger.shape.at(0);
    for (std::int64_t query = 0; query < size; ++query)
        if (!std::equal(mask.bytes.begin() + query * size, mask.bytes.begin() + (query + 1) * size,
                        larger.bytes.begin() + query * all))
            return false;
    return true;
}

bool isBeginningOf(const HostTensor& table, const HostTensor& longer)
{
    return table.dtype == longer.dtype && table.bytes.size() <= longer.bytes.size() &&
           std::equal(table.bytes.begin(), table.bytes.end(), longer.bytes.begin());
}

}

ir::BlockIr lengthened(ir::BlockIr block, std::int64_t positions, const TransformerConfig& config, DType baselineDtype,
                       const Ablation& ablation)
{
    if (positions <= block.mask.shape.at(0))
        return block;
    ir::BlockIr longer;
    longer.program = block.program;
    longer.mask = causalMask(positions);
    longer.ropeCos.shape = {0};
    longer.ropeSin.shape = {0};
    if (block.program.ropeHalf != 0) {
        longer.program.positions = positions;
        artifact::RopeTables tables = artifact::ropeTables(config, positions, baselineDtype);
        longer.ropeCos = std::move(tables.cosine);
        longer.ropeSin = std::move(tables.sine);
    }
    surrogate::ablateTables(ablation, longer);
    const bool goesOn = isCornerOf(block.mask, longer.mask) &&
                        (block.program.ropeHalf == 0 || (isBeginningOf(block.ropeCos, longer.ropeCos) &&
                                                         isBeginningOf(block.ropeSin, longer.ropeSin)));
    if (!goesOn)
        throw UnsupportedError("The surrogate of block " + std::to_string(block.program.layer.value) +
                               " has a mask or RoPE tables of its own for " + std::to_string(block.mask.shape.at(0)) +
                               " positions, and cannot be continued beyond them; ask for fewer new tokens.");
    block.mask = std::move(longer.mask);
    block.ropeCos = std::move(longer.ropeCos);
    block.ropeSin = std::move(longer.ropeSin);
    block.program.positions = longer.program.positions;
    return block;
}

}
